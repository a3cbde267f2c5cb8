import { randomUUID } from 'node:crypto'
import { link, mkdir, rm, rmdir, stat } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join, relative } from 'node:path'
import { HeedError } from '@heed/platform/errors'

/** The folder belongs to another living process. */
export class FolderInUse extends HeedError {
  constructor() {
    super('edge.spool-in-use', 'the spool folder is in use by another process: give each edge a folder of its own')
  }
}

/** A folder that this process has for itself. */
export interface FolderLock {
  release(): Promise<void>
}

// clearing up after a dead process is a few file calls; a guard that is older than this belongs to one that died inside it
const guardStaleMs = 10_000
const longestSocketPath = 100

/**
 * Takes a folder for this process, or throws `FolderInUse` where a living process has it. The lock is a socket in the folder that its owner listens on: the kernel
 * closes it with the process, however that ends, and containers that share the folder see each other's, where process ids (each has a 1) would say nothing.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, 'lock.sock')
  const own = join(folder, `lock-${randomUUID().slice(0, 8)}.sock`)
  const server = await listen(own)
  try {
    for (let tries = 0; tries < 100; tries += 1) {
      if (await linked(own, path)) {
        // by its name, not by the second one, others find the lock; one that is left behind by a kill is in nobody's way
        await rm(own, { force: true })
        return { release: () => release(server, path) }
      }
      if (await answers(path)) throw new FolderInUse()
      await clearUp(folder, path)
    }
    throw new FolderInUse()
  } catch (thrown) {
    await closed(server)
    throw thrown
  }
}

// Only one process at a time removes what a dead one left: a slow second one would remove the lock that the first has just taken.
async function clearUp(folder: string, path: string): Promise<void> {
  const guard = join(folder, 'lock.recovery')
  try {
    await mkdir(guard)
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown
    const since = await stat(guard).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    )
    if (Date.now() - since > guardStaleMs) await rmdir(guard).catch(() => undefined)
    else await new Promise((resolve) => setTimeout(resolve, 20))
    return
  }
  try {
    if (!(await answers(path))) await rm(path, { force: true })
  } finally {
    await rmdir(guard).catch(() => undefined)
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return false
    throw thrown
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath(path))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error) => {
      // EAGAIN: its queue of connections is full, so somebody listens
      if (codeOf(error) === 'EAGAIN') resolve(true)
      else if (['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(codeOf(error) ?? '')) resolve(false)
      else reject(error)
    })
  })
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    server.listen(socketPath(path), () => {
      server.unref()
      resolve(server)
    })
  })
}

async function release(server: Server, path: string): Promise<void> {
  // first the name, then the listening: in between nobody can mistake the next owner's lock for ours
  await rm(path, { force: true })
  await closed(server)
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** The system's limit for the path of a socket is a little over 100 bytes: a relative path may be short enough where an absolute one is not. */
function socketPath(path: string): string {
  const shorter = relative(process.cwd(), path)
  const chosen = shorter.length < path.length ? shorter : path
  if (Buffer.byteLength(chosen) > longestSocketPath)
    throw new HeedError(
      'edge.spool-path-too-long',
      `the path of the spool folder is too long for a lock: at most ${longestSocketPath} bytes`,
    )
  return chosen
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined
}
