import type { SFTPWrapper, Stats } from 'ssh2'
import { StoreFault } from './file-store.ts'

/** An SFTP session. Several requests may be under way in it, and each waits for a round trip alone, whatever the others are. */
export interface SftpSession {
  readonly sftp: SFTPWrapper
  /** Rejects when the connection is gone: a request that is made after that is never answered. */
  readonly lost: Promise<never>
}

// What every server has to take in one packet: https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02#section-3
const chunkBytes = 32_768
const chunksAtOnce = 64
const noSuchFile = 2

const codeOf = (thrown: unknown): unknown => (thrown as { code?: unknown }).code

function ask<Answer>(
  { lost }: SftpSession,
  request: (answer: (error: Error | null | undefined, value?: Answer) => void) => void,
): Promise<Answer> {
  const answered = new Promise<Answer>((resolve, reject) => request((error, value) => (error ? reject(error) : resolve(value as Answer))))
  return Promise.race([answered, lost])
}

const sizeAsked = async (session: SftpSession, path: string): Promise<number> =>
  (await ask<Stats>(session, (answer) => session.sftp.stat(path, answer))).size
const closed = (session: SftpSession, handle: Buffer) => ask<void>(session, (answer) => session.sftp.close(handle, answer))

/** The size of a file in bytes; undefined where there is none. */
export async function sizeOf(session: SftpSession, path: string): Promise<number | undefined> {
  try {
    return await sizeAsked(session, path)
  } catch (thrown) {
    if (codeOf(thrown) === noSuchFile) return undefined
    throw thrown
  }
}

/** Gives a file another name; what has that name stays, and the call fails. */
export const rename = (session: SftpSession, from: string, to: string): Promise<void> =>
  ask<void>(session, (answer) => session.sftp.rename(from, to, answer))

/** Gives a file another name in one step, in place of what has it. Throws where the server does not offer that. */
export const posixRename = (session: SftpSession, from: string, to: string): Promise<void> =>
  ask<void>(session, (answer) => session.sftp.ext_openssh_rename(from, to, answer))

/** Where the chunks of a file of so many bytes begin, as many at a time as may be under way. */
function* chunksOf(size: number): Generator<readonly number[]> {
  const slab = chunkBytes * chunksAtOnce
  for (let start = 0; start < size; start += slab) {
    const count = Math.ceil((Math.min(size, start + slab) - start) / chunkBytes)
    yield Array.from({ length: count }, (_, index) => start + index * chunkBytes)
  }
}

/** The whole content of a file; undefined where there is none. */
export async function readWhole(session: SftpSession, path: string): Promise<Buffer | undefined> {
  const { sftp } = session
  let handle: Buffer
  try {
    handle = await ask<Buffer>(session, (answer) => sftp.open(path, 'r', answer))
  } catch (thrown) {
    if (codeOf(thrown) === noSuchFile) return undefined
    throw thrown
  }
  const fill = async (content: Buffer, from: number): Promise<void> => {
    const until = Math.min(content.length, from + chunkBytes)
    for (let at = from; at < until; ) {
      const got = await ask<number>(session, (answer) => sftp.read(handle, content, at, until - at, at, answer))
      // shorter than it said it was: somebody is writing it
      if (got === 0) throw new StoreFault('unavailable.short-read', false)
      at += got
    }
  }
  try {
    const { size } = await ask<Stats>(session, (answer) => sftp.fstat(handle, answer))
    const content = Buffer.alloc(size)
    for (const starts of chunksOf(size)) await Promise.all(starts.map((from) => fill(content, from)))
    return content
  } finally {
    await closed(session, handle)
  }
}

/**
 * Writes a file that nobody looks for yet; when it returns, the server says that it has all of it. A server does what concerns one file in the order in which it
 * was asked (https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02#section-6.1), so the question for its size follows its end at once.
 * @throws StoreFault where its size is another one afterwards
 */
export async function writeWhole(session: SftpSession, path: string, content: Buffer): Promise<void> {
  const { sftp } = session
  const handle = await ask<Buffer>(session, (answer) => sftp.open(path, 'w', answer))
  const write = (from: number) => {
    const length = Math.min(chunkBytes, content.length - from)
    return ask<void>(session, (answer) => sftp.write(handle, content, from, length, from, answer))
  }
  // not its end too: what the library finds too long for one packet it sends in two, the second after an answer to the first
  for (const starts of chunksOf(content.length)) await Promise.all(starts.map(write))
  const [, size] = await Promise.all([closed(session, handle), sizeAsked(session, path)])
  if (size !== content.length) throw new StoreFault('unavailable.short-write', true)
}
