import { HeedError } from '@heed/platform/errors'
import type { FileRequest, NoAnswer, PlannedRequest, Transport } from '../contract.ts'

/** A file that is to be put. */
export interface StoredFile {
  readonly path: string
  readonly content: Uint8Array
}

/**
 * A partner's store as far as files are put into it and read from it. Paths are relative to its root, with `/`, and never lead out of it.
 * Every driver passes the suite in `file-store.conformance.ts`.
 */
export interface FileStore {
  /**
   * When put returns, a reader sees each file whole under its path, and saw nothing of it before, and none before those that stand above it. What stood there is
   * replaced; the same bytes again change nothing.
   * @throws StoreFault that says whether any of the files may have been written
   */
  put(files: readonly StoredFile[]): Promise<void>
  /**
   * The content, or undefined where there is no such file.
   * @throws StoreFault
   */
  get(path: string): Promise<Uint8Array | undefined>
  /** Frees what is held; the next call connects anew. */
  close(): Promise<void>
}

/** A store did not do what was asked. Its message holds a code, never a path or an address. */
export class StoreFault extends HeedError {
  /** Whether something may have been written. */
  readonly sent: boolean
  readonly outcome: NoAnswer['reason']

  constructor(outcome: NoAnswer['reason'], sent: boolean, cause?: Error) {
    super(`store.${outcome}`, `the store is not usable (${outcome})`, cause === undefined ? undefined : { cause })
    this.outcome = outcome
    this.sent = sent
  }
}

/** The path, checked: relative, without empty, `.` or `..` parts, backslashes or control characters. Throws `RangeError`: a connector that plans another one is at fault. */
export function checkedPath(path: string): string {
  const parts = path.split('/')
  const bad =
    path.length > 500 ||
    path.includes('\\') ||
    hasControlCharacter(path) ||
    parts.some((part) => part === '' || part === '.' || part === '..')
  if (bad) throw new RangeError('a path below the root of the store is needed')
  return path
}

function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) < 32) return true
  return false
}

/** Puts files into a store that takes one at a time. */
export async function putOneByOne(files: readonly StoredFile[], put: (file: StoredFile) => Promise<void>): Promise<void> {
  let sent = false
  for (const file of files) {
    try {
      await put(file)
    } catch (thrown) {
      throw thrown instanceof StoreFault && sent ? new StoreFault(thrown.outcome, true, thrown) : thrown
    }
    sent = true
  }
}

/** A transport that writes a request's files one after the other, then reads those that it asks for. */
export function fileTransport(store: FileStore): Transport {
  const run = async (request: FileRequest, signal: AbortSignal) => {
    const put = request.put ?? []
    if (signal.aborted) throw new StoreFault('unavailable.stopped', false)
    if (put.length > 0) await store.put(put)
    const files: Record<string, Uint8Array | undefined> = Object.fromEntries(put.map(({ path, content }) => [path, content]))
    for (const path of request.get ?? []) files[path] = await store.get(path)
    return files
  }

  const timed = async (request: FileRequest, limit: { timeoutMs: number; signal: AbortSignal }) => {
    const late = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        late.abort()
        reject(new StoreFault('unavailable.timeout', (request.put ?? []).length > 0))
      }, limit.timeoutMs)
    })
    try {
      return await Promise.race([run(request, AbortSignal.any([limit.signal, late.signal])), timeout])
    } catch (thrown) {
      // the connection may be stuck in what was given up: the next request makes its own
      if (late.signal.aborted) store.close().catch(() => undefined)
      throw thrown
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    send: async (request: PlannedRequest, limit) => {
      if (request.via !== 'file') throw new TypeError(`${request.name} is no request for files`)
      try {
        return { via: 'file', files: await timed(request, limit) }
      } catch (thrown) {
        if (thrown instanceof StoreFault) return { via: 'none', sent: thrown.sent, reason: thrown.outcome }
        throw thrown
      }
    },
    close: () => store.close(),
  }
}
