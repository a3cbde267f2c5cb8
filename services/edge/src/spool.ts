import { type FileHandle, mkdir, open, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { asError, HeedError } from '@heed/platform/errors'
import type { Logger } from '@heed/platform/log'
import type { Click } from './click.ts'
import { lineOf } from './click-line.ts'
import { lockFolder } from './folder-lock.ts'
import {
  createDurable,
  listSegments,
  measureSegment,
  openHead,
  type Position,
  readLines,
  segmentPath,
  syncFolder,
  writeDurably,
} from './spool-files.ts'

/** The spool cannot take more: its disk is full or broken, or its limit is reached. The click was not accepted. */
export class SpoolFull extends HeedError {
  constructor(cause?: Error) {
    super('edge.spool-full', 'the spool cannot take more clicks', cause === undefined ? {} : { cause })
  }
}

/** Clicks that were given out to be sent on, in the order of their arrival. */
export interface SpoolBatch {
  readonly clicks: readonly Click[]
  /** Lines that a disk has damaged: they are passed over. */
  readonly damaged: number
  /** Says that all of them were sent on. They are forgotten once those before them are sent on too. */
  done(): void
}

/** Clicks that were accepted and are not journalled yet, on a disk of ours. */
export interface Spool {
  /** When it resolves, the click is on the disk (fsync, together with all that arrived during the last one). Rejects with `SpoolFull`; then nothing was accepted. */
  append(click: Click): Promise<void>
  /** The clicks after those that were given out: at most so many, and none from the first on that `stopAt` names. Undefined where there is none. Not to be called twice at once. */
  next(limit: number, stopAt: (click: Click) => boolean): Promise<SpoolBatch | undefined>
  /** Gives out again whatever was given out and is not done. Batches from before must not be used any more. */
  rewind(): void
  /** Keeps a click aside that nobody can accept, so that a person can look at it; then it no longer blocks the others. */
  setAside(click: Click): Promise<void>
  /** Gives back the room of what was sent on, where nothing waits. Otherwise that happens segment by segment. */
  tidy(): Promise<void>
  /** How many clicks wait, those that are given out included. */
  readonly size: number
  /** How many of them are not given out. */
  readonly unread: number
  /** Bytes on the disk. */
  readonly bytes: number
  /** When the oldest click that waits was made, ms since the epoch, or a little earlier; undefined where none waits. */
  readonly oldestAt: number | undefined
  /** Whether the last append was refused. */
  readonly isFull: boolean
  close(): Promise<void>
}

/** What a spool is opened with. */
export interface SpoolOptions {
  readonly maxBytes: number
  readonly log: Logger
  /** A group of clicks became durable, in so many milliseconds of waiting for the disk. */
  readonly committed?: (clicks: number, ms: number) => void
}

// on a fast disk, commits begin no closer to each other than this: a group of one costs almost as much as a group of fifty
const gatherMs = 3
const largestSegment = 8 * 1024 * 1024

interface Segment {
  readonly number: number
  /** How long it is as far as it is durable. */
  bytes: number
}

/**
 * Opens the spool of a folder, made where it is missing. It survives SIGKILL at any moment: a line that was cut off was never acknowledged and is passed over; a
 * click whose sending was not noted is given out again, with the same request id. Throws `FolderInUse` where another living process has it.
 */
export async function openSpool(folder: string, options: SpoolOptions): Promise<Spool> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await syncFolder(dirname(folder))
  const lock = await lockFolder(folder)
  const { maxBytes, log, committed } = options
  // small enough that what was sent on does not take much of the room for what was not
  const segmentBytes = Math.min(largestSegment, Math.ceil(maxBytes / 16))

  const head = await openHead(folder)
  const numbers = await listSegments(folder)
  // a number is never given twice: a position that was noted and outlived its segment must not point into another one
  let lastNumber = Math.max(0, head.position?.segment ?? 0, ...numbers)
  let done: Position = head.position ?? { segment: 0, offset: 0 }
  let size = 0
  const segments: Segment[] = []
  for (const number of numbers) {
    if (number < done.segment) {
      await rm(segmentPath(folder, number), { force: true })
      continue
    }
    const { bytes, lines, from } = await measureSegment(segmentPath(folder, number), number === done.segment ? done.offset : 0)
    if (number === done.segment) done = { segment: number, offset: from }
    segments.push({ number, bytes })
    size += lines
  }

  let unread = size
  let cursor = done
  let reading: { number: number; file: FileHandle } | undefined
  let given: { end: Position; lines: number; firstAt: number; done: boolean }[] = []
  let tail: { segment: Segment; file: FileHandle } | undefined
  let oldestAt: number | undefined
  let full = false
  let waiting: { click: Click; taken(): void; refused(error: Error): void }[] = []
  let committing: Promise<void> | undefined
  let turn: Promise<unknown> = Promise.resolve()
  /** One after the other: what makes and removes files never overlaps. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work)
    turn = result.catch(() => undefined)
    return result
  }
  const usedBytes = () => segments.reduce((sum, { bytes }) => sum + bytes, 0)

  // ---- writing

  let committedAt = Number.NEGATIVE_INFINITY
  const commitAll = async () => {
    while (waiting.length > 0) {
      const restMs = committedAt + gatherMs - performance.now()
      if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs))
      committedAt = performance.now()
      const group = waiting
      waiting = []
      await inTurn(() => commit(group))
    }
    committing = undefined
  }

  const commit = async (group: typeof waiting) => {
    if (size === 0 && usedBytes() > maxBytes / 2) await removeAll()
    let room = maxBytes - usedBytes()
    const lines: string[] = []
    for (const { click } of group) {
      const line = lineOf(click)
      room -= Buffer.byteLength(line)
      if (room < 0) break
      lines.push(line)
    }
    const taken = group.slice(0, lines.length)
    let error = new SpoolFull()
    if (taken.length > 0) {
      try {
        const startedAt = performance.now()
        await write(Buffer.from(lines.join('')))
        committed?.(taken.length, performance.now() - startedAt)
        if (size === 0) oldestAt = taken[0]?.click.usedAt
        size += taken.length
        unread += taken.length
      } catch (thrown) {
        error = new SpoolFull(asError(thrown))
        taken.length = 0
      }
    }
    full = taken.length < group.length
    for (const { taken: answer } of taken) answer()
    for (const { refused } of group.slice(taken.length)) refused(error)
  }

  const write = async (bytes: Buffer) => {
    if (tail !== undefined && tail.segment.bytes >= segmentBytes) await closeTail()
    tail ??= await openTail()
    const { segment, file } = tail
    try {
      await writeDurably(file, bytes)
      segment.bytes += bytes.length
    } catch (thrown) {
      // after a failed fsync nobody knows which pages of this file are on the disk: what comes goes to another one
      await file.truncate(segment.bytes).catch(() => undefined)
      await closeTail().catch(() => undefined)
      throw thrown
    }
  }

  const openTail = async () => {
    const number = lastNumber + 1
    const file = await createDurable(segmentPath(folder, number))
    try {
      await syncFolder(folder)
    } catch (thrown) {
      await file.close()
      await rm(segmentPath(folder, number), { force: true })
      throw thrown
    }
    lastNumber = number
    const segment = { number, bytes: 0 }
    segments.push(segment)
    return { segment, file }
  }

  const closeTail = async () => {
    const file = tail?.file
    tail = undefined
    await file?.close()
  }

  // ---- reading

  const fileOf = async (number: number): Promise<FileHandle> => {
    if (reading?.number === number) return reading.file
    await reading?.file.close()
    reading = undefined
    reading = { number, file: await open(segmentPath(folder, number), 'r') }
    return reading.file
  }

  /** The segment that the cursor is in, and past its end the one after it. */
  const current = (): Segment | undefined => {
    const index = segments.findIndex(({ number }) => number >= cursor.segment)
    const segment = segments[index]
    if (segment === undefined) return undefined
    const offset = segment.number === cursor.segment ? cursor.offset : 0
    const found = offset < segment.bytes ? segment : segments[index + 1]
    if (found !== undefined) cursor = { segment: found.number, offset: found === segment ? offset : 0 }
    return found
  }

  // ---- forgetting

  const forget = () => {
    let moved = false
    while (given[0]?.done) {
      const [batch] = given.splice(0, 1)
      if (batch === undefined) break
      done = batch.end
      size -= batch.lines
      // without a batch that is given out, the last one sent tells the age: the next click is not older
      oldestAt = size === 0 ? undefined : (given[0]?.firstAt ?? batch.firstAt)
      moved = true
    }
    if (moved) void inTurn(noteDone).catch((thrown: unknown) => log.warn({ error: asError(thrown) }, 'spool.not-tidied'))
  }

  const noteDone = async () => {
    // where it cannot be noted, a restart sends again what is left of the segment
    await head.write(done).catch((thrown: unknown) => log.warn({ error: asError(thrown) }, 'spool.place-not-noted'))
    const first = segments.findIndex((segment) => segment.number > done.segment || segment === tail?.segment || segment.bytes > done.offset)
    await remove(first < 0 ? segments.length : first)
  }

  const remove = async (count: number) => {
    for (const { number } of segments.splice(0, count)) {
      if (reading?.number === number) {
        await reading.file.close()
        reading = undefined
      }
      await rm(segmentPath(folder, number), { force: true })
    }
  }

  const removeAll = async () => {
    await closeTail()
    await remove(segments.length)
  }

  const firstClick = await (async () => {
    const segment = current()
    if (segment === undefined) return undefined
    return (await readLines(await fileOf(segment.number), cursor.offset, segment.bytes, 1, () => false)).clicks[0]
  })()
  oldestAt = size > 0 ? (firstClick?.usedAt ?? 0) : undefined

  return {
    get size() {
      return size
    },
    get unread() {
      return unread
    },
    get bytes() {
      return usedBytes()
    },
    get oldestAt() {
      return oldestAt
    },
    get isFull() {
      return full
    },

    append(click) {
      return new Promise<void>((taken, refused) => {
        waiting.push({ click, taken, refused })
        committing ??= commitAll()
      })
    },

    async next(limit, stopAt) {
      for (let segment = current(); segment !== undefined; segment = current()) {
        const read = await readLines(await fileOf(segment.number), cursor.offset, segment.bytes, limit, stopAt)
        if (read.end === cursor.offset) return undefined
        cursor = { segment: segment.number, offset: read.end }
        unread -= read.lines
        const batch = { end: cursor, lines: read.lines, firstAt: read.clicks[0]?.usedAt ?? oldestAt ?? 0, done: false }
        given.push(batch)
        const finish = () => {
          batch.done = true
          if (given.includes(batch)) forget()
        }
        if (read.lines > 0) return { clicks: read.clicks, damaged: read.lines - read.clicks.length, done: finish }
        finish()
      }
      return undefined
    },

    rewind() {
      given = []
      cursor = done
      unread = size
    },

    setAside(click) {
      return inTurn(() => writeFile(join(folder, 'set-aside.ndjson'), lineOf(click), { flag: 'a', mode: 0o600, flush: true }))
    },

    tidy() {
      return inTurn(async () => {
        if (size === 0 && given.length === 0 && segments.length > 0) await removeAll()
      })
    },

    async close() {
      await committing
      await inTurn(async () => {
        await closeTail()
        await reading?.file.close()
        await head.close()
      })
      await lock.release()
    },
  }
}
