import { HeedError } from '@heed/platform/errors'
import type { FileRequest, NoAnswer, PlannedRequest, Transport } from '../contract.ts'

/**
 * A partner's store as far as files are put into it and read from it. Paths are relative to its root, with `/`, and never lead out of it.
 * Every driver passes the suite in `file-store.conformance.ts`.
 */
export interface FileStore {
  /**
   * When put returns, a reader sees the whole content under this path, and saw nothing of it before. What stood there is replaced; the same bytes again change
   * nothing.
   * @throws StoreFault
   */
  put(path: string, content: Uint8Array): Promise<void>
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

/** A transport that writes a request's files one after the other, then reads those that it asks for. */
export function fileTransport(store: FileStore): Transport {
  const run = async (request: FileRequest, signal: AbortSignal) => {
    const files: Record<string, Uint8Array | undefined> = {}
    let sent = false
    for (const { path, content } of request.put ?? []) {
      if (signal.aborted) throw new StoreFault('unavailable.stopped', sent)
      try {
        await store.put(checkedPath(path), content)
      } catch (thrown) {
        throw thrown instanceof StoreFault && sent ? new StoreFault(thrown.outcome, true, thrown) : thrown
      }
      sent = true
      files[path] = content
    }
    for (const path of request.get ?? []) files[path] = await store.get(checkedPath(path))
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
