import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { checkedPath, type FileStore, putOneByOne, type StoredFile, StoreFault } from './file-store.ts'

/** A folder of this machine (or one that is mounted on it) as a store. Folders below it are made as needed; the folder itself must be there. */
export function folderStore(root: string): FileStore {
  const putOne = async ({ path, content }: StoredFile) => {
    const target = join(root, checkedPath(path))
    const part = join(dirname(target), `.${basename(target)}.${randomBytes(4).toString('hex')}.part`)
    let sent = false
    try {
      if (await isSame(target, content)) return
      await stat(root)
      await mkdir(dirname(target), { recursive: true })
      const file = await open(part, 'wx', 0o640)
      try {
        await file.writeFile(content)
        // the bytes are on the disk before the name is: a crash leaves a part, never half a file
        await file.sync()
      } finally {
        await file.close()
      }
      sent = true
      await rename(part, target)
      await syncFolder(dirname(target))
    } catch (thrown) {
      await rm(part, { force: true }).catch(() => undefined)
      throw faultOf(thrown, sent)
    }
  }
  return {
    put: (files) => putOneByOne(files, putOne),
    get: async (path) => {
      try {
        return await readFile(join(root, checkedPath(path)))
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw faultOf(thrown, false)
      }
    },
    close: () => Promise.resolve(),
  }
}

async function isSame(path: string, content: Uint8Array): Promise<boolean> {
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  )
  return size === content.length && Buffer.compare(await readFile(path), content) === 0
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function faultOf(thrown: unknown, sent: boolean): Error {
  const { code } = thrown as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new StoreFault('configuration.no-such-folder', sent)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StoreFault('configuration.permission-denied', sent)
    case undefined:
      return thrown as Error
    default:
      return new StoreFault(code === 'ENOSPC' || code === 'EDQUOT' ? 'unavailable.no-space' : 'unavailable.store', sent)
  }
}
