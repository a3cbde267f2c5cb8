import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { entriesPath, parseCheckpoint, parseNote, TILE_WIDTH, type TileId, tilePath, tilesFor } from '@heed/merkle-log'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import { type Loop, loop } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import { type LogStore, readBundles, tileReader } from '@heed/trail'

/** The log as static files in a folder, as C2SP tlog-tiles has them: any web server may serve them, and `rsync` copies them. */
export interface Mirror extends Loop {
  /** There is a newer checkpoint. */
  publish(checkpoint: { readonly size: number; readonly note: string }): void
  /** Why the files are behind; undefined where they are not. */
  readonly problem: string | undefined
}

const checkpointFile = 'checkpoint'
const tilesAtOnce = 64

/** The checkpoint that stands in the folder; undefined where there is none yet. */
export async function checkpointInFolder(folder: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, checkpointFile), 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}

/** Writes the log into a folder, the tiles of a checkpoint before the checkpoint, and behind the log rather than with it: files that cannot be written hold up nothing. */
export function mirror(options: {
  readonly folder: string
  readonly store: Pick<LogStore, 'tiles' | 'bundles'>
  readonly log: Logger
  readonly clock: Clock
}): Mirror {
  const { folder, store, log, clock } = options
  const readTiles = tileReader(store, 0)
  let newest: { readonly size: number; readonly note: string } | undefined
  let written: { readonly size: number; readonly note: string } | undefined
  let problem: string | undefined

  const run = async (signal: AbortSignal): Promise<'again' | 'idle'> => {
    const target = newest
    if (target === undefined) return 'idle'
    try {
      written ??= await standing(folder)
      if (written.note === target.note) return 'idle'
      const ids = tilesFor(Math.min(written.size, target.size), target.size)
      for (let at = 0; at < ids.length; at += tilesAtOnce) {
        signal.throwIfAborted()
        await writeTiles(ids.slice(at, at + tilesAtOnce))
      }
      await writeDurably(join(folder, checkpointFile), target.note)
      written = target
      problem = undefined
    } catch (thrown) {
      if (signal.aborted) return 'idle'
      const { code } = thrown as NodeJS.ErrnoException
      problem = `the files of the log cannot be written (${typeof code === 'string' ? code : asError(thrown).name})`
      throw thrown
    }
    return target === newest ? 'idle' : 'again'
  }

  const writeTiles = async (ids: readonly TileId[]) => {
    const hashes = await readTiles(ids)
    await Promise.all(
      ids.map((id, index) => writeTile(tilePath(id), (hashes[index] ?? new Uint8Array(0)).subarray(0, id.width * 32), id.width)),
    )
    const lowest = ids.filter(({ level }) => level === 0)
    const bundles = await readBundles(store, lowest)
    await Promise.all(
      lowest.map((id, index) => {
        const bundle = bundles[index]
        if (bundle === undefined) throw new Error('a bundle of the log is not stored')
        return writeTile(entriesPath(id), bundle, id.width)
      }),
    )
  }

  const writeTile = async (path: string, bytes: Uint8Array, width: number) => {
    const file = join(folder, path)
    await writeWhole(file, bytes)
    // whoever holds an older checkpoint finds the full tile in the place of its partial ones, as the tlog-tiles page says
    if (width === TILE_WIDTH) await rm(`${file}.p`, { recursive: true, force: true })
  }

  const one = loop({ name: 'trail.mirror', everyMs: 60_000, run, log, clock })
  return {
    ...one,
    publish: (checkpoint) => {
      newest = checkpoint
      one.wake()
    },
    get problem() {
      return problem
    },
  }
}

async function standing(folder: string): Promise<{ size: number; note: string }> {
  const note = await checkpointInFolder(folder)
  return note === undefined ? { size: 0, note: '' } : { size: parseCheckpoint(parseNote(note).text).size, note }
}

/** Writes a file that is there as a whole or not at all. One that is there already with the same length holds the same. */
async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const there = await stat(file).catch(() => undefined)
  if (there?.size === bytes.length) return
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, bytes)
  await rename(`${file}.new`, file)
}

async function writeDurably(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const handle = await open(`${file}.new`, 'w')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}
