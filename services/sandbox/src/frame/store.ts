import { appendFile, closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** One fact that a vendor keeps: what it is, its id, and its value, or `null` when it is gone. */
export type Fact = readonly [kind: string, id: string, value: unknown]

/**
 * What a vendor knows, on disk: an append-only file of facts, the last one of a (kind, id) counts.
 * When `flush` resolves, everything put before it was called survives a SIGKILL of this process (not a power cut: there is no fsync).
 */
export interface Store {
  put(kind: string, id: string, value: unknown): void
  remove(kind: string, id: string): void
  /** The facts found on disk at the start, each (kind, id) once; empty without a data folder. */
  load(): Iterable<Fact>
  /**
   * Hands what was put to the operating system; cheap when nothing was put. Called before a vendor answers. One write is under way at a time: what is put
   * meanwhile goes together with the next.
   */
  flush(): Promise<void>
  /** Writes what is left, and closes. */
  close(): Promise<void>
}

const FORMAT = 'heed-sandbox/1'
const COMPACT_AFTER_BYTES = 64 * 1024 * 1024

/** A store that keeps nothing: the vendor's memory is all there is. */
export function createForgetfulStore(): Store {
  return { put: () => undefined, remove: () => undefined, load: () => [], flush: () => Promise.resolve(), close: () => Promise.resolve() }
}

/**
 * A store in `<folder>/<name>.jsonl`. `everything` lists all facts that hold now; it is asked when the file has grown
 * far beyond them, to write it anew. A file of another format is set aside, never read wrongly.
 */
export function createFileStore(
  folder: string,
  name: string,
  everything: () => Iterable<Fact>,
  compactAfterBytes = COMPACT_AFTER_BYTES,
): Store {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${name}.jsonl`)
  const found = read(path)
  let file = rewrite(path, found.values())
  let size = fstatSync(file).size
  let compactAt = Math.max(compactAfterBytes, 2 * size)
  let pending: string[] = []
  let scheduled: NodeJS.Immediate | undefined

  const write = async (): Promise<void> => {
    const text = pending.join('')
    pending = []
    await appendTo(file, text)
    size += Buffer.byteLength(text)
    if (size < compactAt) return
    closeSync(file)
    file = rewrite(path, everything())
    size = fstatSync(file).size
    compactAt = Math.max(compactAfterBytes, 2 * size)
  }

  let underWay = Promise.resolve()
  let next: Promise<void> | undefined
  const flush = (): Promise<void> => {
    // nothing was put since the newest write began
    if (pending.length === 0) return underWay
    // one that failed was told to whoever waited for it
    next ??= underWay
      .catch(() => undefined)
      .then(() => {
        next = undefined
        underWay = write()
        return underWay
      })
    return next
  }

  const append = (fact: Fact): void => {
    pending.push(`${JSON.stringify(fact)}\n`)
    // what no answer flushes (timers) still reaches the disk in the same turn of the event loop
    scheduled ??= setImmediate(() => {
      scheduled = undefined
      void flush()
    })
  }

  return {
    put: (kind, id, value) => append([kind, id, value]),
    remove: (kind, id) => append([kind, id, null]),
    *load() {
      yield* found.values()
      found.clear()
    },
    flush,
    async close() {
      clearImmediate(scheduled)
      await flush()
      closeSync(file)
    },
  }
}

const appendTo = promisify(appendFile)

function read(path: string): Map<string, Fact> {
  const facts = new Map<string, Fact>()
  if (!existsSync(path)) return facts
  const [header, ...lines] = readFileSync(path, 'utf8').split('\n')
  if (header !== FORMAT) {
    renameSync(path, `${path}.other-format`)
    return facts
  }
  for (const line of lines) {
    const fact = parse(line)
    if (fact === undefined) continue
    const key = `${fact[0]}\n${fact[1]}`
    if (fact[2] === null) facts.delete(key)
    else facts.set(key, fact)
  }
  return facts
}

function parse(line: string): Fact | undefined {
  if (line === '') return undefined
  try {
    return JSON.parse(line) as Fact
  } catch {
    // a kill in the middle of a write leaves half a line at the end: that change was never answered
    return undefined
  }
}

// Written beside and renamed, so that a kill leaves either the old file or the new one.
function rewrite(path: string, facts: Iterable<Fact>): number {
  const fresh = `${path}.new`
  const file = openSync(fresh, 'w', 0o600)
  let lines = [`${FORMAT}\n`]
  for (const fact of facts) {
    if (lines.push(`${JSON.stringify(fact)}\n`) < 1000) continue
    writeSync(file, lines.join(''))
    lines = []
  }
  writeSync(file, lines.join(''))
  renameSync(fresh, path)
  return file
}
