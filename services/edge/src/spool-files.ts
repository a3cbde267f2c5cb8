import { constants } from 'node:fs'
import { type FileHandle, open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Click } from './click.ts'
import { clickOf } from './click-line.ts'

/** A place between two lines of the spool. */
export interface Position {
  readonly segment: number
  readonly offset: number
}

/** Some lines of one segment. */
export interface Lines {
  readonly clicks: readonly Click[]
  /** How many lines were read: those that a disk has damaged are counted, and are no clicks. */
  readonly lines: number
  /** Where the next line begins. */
  readonly end: number
}

const chunkBytes = 256 * 1024
const newline = 0x0a

export function segmentPath(folder: string, segment: number): string {
  return join(folder, `clicks-${String(segment).padStart(8, '0')}.ndjson`)
}

/** The numbers of the segments in the folder, oldest first. */
export async function listSegments(folder: string): Promise<number[]> {
  const numbers = (await readdir(folder)).flatMap((name) => /^clicks-(\d{8,})\.ndjson$/.exec(name)?.[1] ?? []).map(Number)
  return numbers.sort((a, b) => a - b)
}

/** How long a segment is, and how many whole lines it has from the offset on. An offset that is not between two lines counts as the beginning. */
export async function measureSegment(path: string, offset: number): Promise<{ bytes: number; lines: number; from: number }> {
  const content = await readFile(path)
  const from = offset > 0 && offset <= content.length && content[offset - 1] === newline ? offset : 0
  let lines = 0
  for (let at = content.indexOf(newline, from); at >= 0; at = content.indexOf(newline, at + 1)) lines += 1
  return { bytes: content.length, lines, from }
}

/** Reads lines from an offset up to the end of what is durable: at most so many clicks, and only up to the first that `stopAt` names. */
export async function readLines(
  file: FileHandle,
  from: number,
  durableBytes: number,
  limit: number,
  stopAt: (click: Click) => boolean,
): Promise<Lines> {
  const room = Buffer.allocUnsafe(Math.min(chunkBytes, durableBytes - from))
  const { bytesRead } = await file.read(room, 0, room.length, from)
  const chunk = room.subarray(0, bytesRead)
  const clicks: Click[] = []
  let lines = 0
  let offset = 0
  while (clicks.length < limit) {
    const end = chunk.indexOf(newline, offset)
    if (end < 0) break
    const click = clickOf(chunk.toString('utf8', offset, end))
    if (click !== undefined && stopAt(click)) break
    if (click !== undefined) clicks.push(click)
    lines += 1
    offset = end + 1
  }
  // no end of line anywhere: a tail that a kill cut off, or damage longer than any line; neither is a click
  const nothing = lines === 0 && chunk.indexOf(newline) < 0
  return { clicks, lines, end: from + (nothing ? room.length : offset) }
}

const { O_APPEND, O_CREAT, O_DSYNC, O_EXCL, O_WRONLY } = constants

/** Creates a file for `writeDurably`. Rejects where it exists. */
export function createDurable(path: string): Promise<FileHandle> {
  return open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | (O_DSYNC ?? 0), 0o600)
}

/** Appends; when it resolves, the bytes are on the disk. Where the system can, write and fsync are one call (O_DSYNC): one way through the thread pool instead of two. */
export async function writeDurably(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; ) written += (await file.write(bytes, written)).bytesWritten
  if (O_DSYNC === undefined) await file.datasync()
}

/** Makes what was created or removed in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Where sending goes on: the oldest position that was not sent. */
export interface HeadFile {
  readonly position: Position | undefined
  /**
   * Notes a position. It may be lost by a power failure: then what was sent since the last one that stayed is sent once more, which changes nothing. It never
   * waits for the disk, and a full disk does not keep it from being written again in its place.
   */
  write(position: Position): Promise<void>
  close(): Promise<void>
}

const headLength = 64

/** Opens the file `head` of the folder. */
export async function openHead(folder: string): Promise<HeadFile> {
  const path = join(folder, 'head')
  const position = positionOf(await readFile(path, 'utf8').catch(() => ''))
  let file: FileHandle | undefined
  return {
    position,
    async write({ segment, offset }) {
      file ??= await open(path, 'r+').catch(() => open(path, 'w+', 0o600))
      await file.write(`${`${segment} ${offset}`.padEnd(headLength - 1)}\n`, 0)
    },
    close: async () => file?.close(),
  }
}

function positionOf(text: string): Position | undefined {
  const [, segment, offset] = /^(\d{1,15}) (\d{1,15}) *\n$/.exec(text) ?? []
  return segment === undefined || offset === undefined ? undefined : { segment: Number(segment), offset: Number(offset) }
}
