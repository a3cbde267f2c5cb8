import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HeedError } from '@heed/platform/errors'
import type { Click } from './click.ts'

/** The spool cannot take more: its disk is full, or its limit is reached. The click was not accepted. */
export class SpoolFull extends HeedError {
  constructor(cause?: Error) {
    super('edge.spool-full', 'the spool cannot take more clicks', cause === undefined ? {} : { cause })
  }
}

/** The folder of the spool belongs to another living process. */
export class SpoolInUse extends HeedError {
  constructor(pid: number) {
    super('edge.spool-in-use', `the spool folder is in use by process ${pid}: give each edge a folder of its own`)
  }
}

/** Clicks that were accepted while preferences could not be reached, on a disk of ours. */
export interface Spool {
  /** When it resolves, the click is on the disk (fsync). Rejects with `SpoolFull`; then nothing was accepted. */
  append(click: Click): Promise<void>
  /** The oldest clicks that were not sent on, in the order of their arrival, and how to say that they were. */
  peek(limit: number): Promise<{ readonly clicks: readonly Click[]; forget(): Promise<void> }>
  /** Keeps a click aside that nobody can accept, so that a person can look at it; then it no longer blocks the others. */
  setAside(click: Click): Promise<void>
  /** How many clicks wait. */
  readonly size: number
  close(): Promise<void>
}

interface Head {
  readonly segment: number
  readonly offset: number
}

const segmentBytes = 8 * 1024 * 1024

/**
 * Opens the spool of a folder, made where it is missing. It survives SIGKILL at any moment: a line that was cut off by a crash was never acknowledged and is dropped;
 * a click whose sending was not noted yet is given out again, with the same request id. Throws `SpoolInUse` where another living process has it.
 */
export async function openSpool(folder: string, options: { readonly maxBytes: number }): Promise<Spool> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await lockFolder(folder)
  const path = (segment: number) => join(folder, `clicks-${String(segment).padStart(8, '0')}.ndjson`)
  const segments = (await readdir(folder)).flatMap((name) => /^clicks-(\d{8})\.ndjson$/.exec(name)?.[1] ?? []).map(Number)
  segments.sort((a, b) => a - b)

  let head = await readHead(folder)
  if (segments[0] === undefined) {
    segments.push(head.segment)
    await writeFile(path(head.segment), '', { mode: 0o600 })
  }
  if (!segments.includes(head.segment)) head = { segment: segments[0] ?? 1, offset: 0 }
  let last = segments.at(-1) ?? head.segment
  await dropTornTail(path(last))
  let file: FileHandle = await open(path(last), 'a')
  let lastBytes = (await file.stat()).size
  let bytes = (await Promise.all(segments.map((segment) => stat(path(segment))))).reduce((sum, { size }) => sum + size, 0)
  let size = 0
  for (const segment of segments.filter((candidate) => candidate >= head.segment)) {
    size += countLines(await readFile(path(segment)), segment === head.segment ? head.offset : 0)
  }

  let waiting: { line: string; done(): void; failed(error: Error): void }[] = []
  let writing: Promise<void> | undefined
  let turn: Promise<unknown> = Promise.resolve()
  /** One after the other: what changes the files never overlaps. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work)
    turn = result.catch(() => undefined)
    return result
  }

  const writeAll = async () => {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      await inTurn(async () => {
        const text = batch.map(({ line }) => line).join('')
        const before = lastBytes
        try {
          if (bytes + Buffer.byteLength(text) > options.maxBytes) throw new SpoolFull()
          if (lastBytes > segmentBytes) await rotate()
          await file.appendFile(text)
          await file.datasync()
        } catch (thrown) {
          // what a full disk took of a line must not stand before the next one
          await file.truncate(before).catch(() => undefined)
          const error = thrown instanceof SpoolFull ? thrown : new SpoolFull(thrown instanceof Error ? thrown : undefined)
          for (const { failed } of batch) failed(error)
          return
        }
        lastBytes += Buffer.byteLength(text)
        bytes += Buffer.byteLength(text)
        size += batch.length
        for (const { done } of batch) done()
      })
    }
    writing = undefined
  }

  const rotate = async () => {
    const next = last + 1
    const opened = await open(path(next), 'a', 0o600)
    await file.close()
    file = opened
    last = next
    lastBytes = 0
    segments.push(next)
  }

  const moveHead = async (to: Head) => {
    await writeHead(folder, to)
    head = to
    for (const done of segments.filter((segment) => segment < to.segment)) {
      bytes -= (await stat(path(done))).size
      await rm(path(done))
      segments.splice(segments.indexOf(done), 1)
    }
  }

  return {
    get size() {
      return size
    },

    append(click) {
      return new Promise<void>((done, failed) => {
        waiting.push({ line: lineOf(click), done, failed })
        writing ??= writeAll()
      })
    },

    peek(limit) {
      return inTurn(async () => {
        const read = await readFrom(path, head, last, limit)
        return {
          clicks: read.clicks,
          forget: () =>
            inTurn(async () => {
              size = Math.max(0, size - read.lines)
              const drained = read.next.segment === last && read.next.offset >= lastBytes
              if (drained && lastBytes > 0) {
                await rotate()
                await moveHead({ segment: last, offset: 0 })
              } else {
                await moveHead(read.next)
              }
            }),
        }
      })
    },

    setAside(click) {
      return inTurn(() => writeFile(join(folder, 'set-aside.ndjson'), lineOf(click), { flag: 'a', mode: 0o600, flush: true }))
    },

    async close() {
      await writing
      await inTurn(() => file.close())
      await rm(join(folder, 'lock'), { force: true })
    },
  }
}

function lineOf(click: Click): string {
  const json = JSON.stringify(click)
  return `${checksum(json)} ${json}\n`
}

function checksum(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, 8)
}

/** The click of a line, or undefined for a line that a disk has damaged. */
function clickOf(line: string): Click | undefined {
  const json = line.slice(9)
  return line.slice(0, 8) === checksum(json) ? (JSON.parse(json) as Click) : undefined
}

async function readFrom(
  path: (segment: number) => string,
  from: Head,
  last: number,
  limit: number,
): Promise<{ clicks: Click[]; lines: number; next: Head }> {
  const clicks: Click[] = []
  let lines = 0
  let at = from
  while (clicks.length < limit) {
    const content = await readFile(path(at.segment))
    let offset = at.offset
    while (clicks.length < limit) {
      const end = content.indexOf(0x0a, offset)
      if (end < 0) break
      const click = clickOf(content.toString('utf8', offset, end))
      if (click !== undefined) clicks.push(click)
      lines += 1
      offset = end + 1
    }
    at = { segment: at.segment, offset }
    if (clicks.length >= limit || at.segment >= last) break
    at = { segment: at.segment + 1, offset: 0 }
  }
  return { clicks, lines, next: at }
}

function countLines(content: Buffer, from: number): number {
  let lines = 0
  for (let at = content.indexOf(0x0a, from); at >= 0; at = content.indexOf(0x0a, at + 1)) lines += 1
  return lines
}

async function dropTornTail(file: string): Promise<void> {
  const content = await readFile(file)
  const whole = content.lastIndexOf(0x0a) + 1
  if (whole === content.length) return
  const handle = await open(file, 'r+')
  await handle.truncate(whole)
  await handle.sync()
  await handle.close()
}

async function readHead(folder: string): Promise<Head> {
  try {
    const head = JSON.parse(await readFile(join(folder, 'head.json'), 'utf8')) as Partial<Head>
    if (Number.isSafeInteger(head.segment) && Number.isSafeInteger(head.offset))
      return { segment: head.segment ?? 1, offset: head.offset ?? 0 }
  } catch {
    // missing or unreadable: everything that is still there is sent once more, which changes nothing
  }
  return { segment: 1, offset: 0 }
}

async function writeHead(folder: string, head: Head): Promise<void> {
  const temporary = join(folder, 'head.json.new')
  await writeFile(temporary, JSON.stringify(head), { mode: 0o600, flush: true })
  await rename(temporary, join(folder, 'head.json'))
}

async function lockFolder(folder: string): Promise<void> {
  const file = join(folder, 'lock')
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx', mode: 0o600 })
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const pid = Number(await readFile(file, 'utf8').catch(() => ''))
      if (isAlive(pid)) throw new SpoolInUse(pid)
      await rm(file, { force: true })
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
