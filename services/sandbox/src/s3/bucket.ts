import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** An object of a bucket. */
export interface StoredObject {
  readonly key: string
  readonly content: Buffer
  /** With its quotes. */
  readonly etag: string
  /** SHA-256 of the content, base64. */
  readonly sha256: string
  readonly changedAt: Date
}

/** The two folders of a bucket that a partner shares: the sender writes in `in/` and reads both. */
export type Folder = 'in' | 'ack'

/** A bucket, kept in a folder of this machine. A write is whole or did not happen. */
export interface Bucket {
  readonly root: string
  get(folder: Folder, name: string): StoredObject | undefined
  put(folder: Folder, name: string, content: Buffer): StoredObject
  /** All keys with this beginning, in the order of their bytes. */
  list(prefix: string): string[]
}

/** The bucket at `root`; its folders are made when they are missing. */
export function openBucket(root: string): Bucket {
  const open = (folder: Folder): string => {
    const path = join(root, folder)
    mkdirSync(path, { recursive: true })
    return path
  }
  const get = (folder: Folder, name: string): StoredObject | undefined => {
    const path = join(open(folder), name)
    if (!existsSync(path)) return undefined
    const content = readFileSync(path)
    return {
      key: `${folder}/${name}`,
      content,
      etag: `"${createHash('md5').update(content).digest('hex')}"`,
      sha256: createHash('sha256').update(content).digest('base64'),
      changedAt: statSync(path).mtime,
    }
  }
  return {
    root,
    get,
    put(folder, name, content) {
      const path = join(open(folder), name)
      const part = join(open(folder), `.${name}.part`)
      writeFileSync(part, content)
      renameSync(part, path)
      const stored = get(folder, name)
      if (stored === undefined) throw new Error('what was just written is gone')
      return stored
    },
    list: (prefix) =>
      (['ack', 'in'] as const)
        .flatMap((folder) => readdirSync(open(folder)).map((name) => ({ name, key: `${folder}/${name}` })))
        .filter(({ name, key }) => !name.startsWith('.') && key.startsWith(prefix))
        .map(({ key }) => key)
        .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
  }
}
