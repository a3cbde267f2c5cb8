import type { Topics } from '@heed/contracts'
import {
  type Checkpoint,
  formatCheckpoint,
  formatNote,
  frontierRoot,
  parseNote,
  readFrontier,
  type SignerKey,
  signNote,
  type VerifierKey,
  verifierOf,
} from '@heed/merkle-log'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import type { Kafka, Publisher } from '@heed/platform/kafka'
import { type Loop, loop, once } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import {
  binaryOf,
  bytesOf,
  eventOf,
  extendTree,
  type LogRow,
  leafOfEntry,
  type SignedCheckpoint,
  subjectsOf,
  type Tree,
  tileReader,
} from '@heed/trail'
import type { AuditStore } from '../audit-store.ts'
import { LogFencedError, LogRefusedError } from './faults.ts'
import { claimLog, fixTree, openTree, storeGrowth } from './log-writer.ts'
import { checkpointInFolder, type Mirror, mirror } from './mirror.ts'
import { checkpointRecord, newestOnTopic, readCheckpoint } from './publication.ts'
import { secretKeeper } from './subject-secrets.ts'

/** How a log is kept. */
export interface LogSettings {
  /** The name of the log, and of its keys. */
  readonly origin: string
  /** Each signs every checkpoint: two while one takes over from the other. */
  readonly keys: readonly SignerKey[]
  /** Public keys that signed before and are not among `keys` any more. */
  readonly oldKeys: readonly VerifierKey[]
  /** Those who may cosign. */
  readonly witnesses: readonly VerifierKey[]
  /** Where the log is written as files; nowhere where undefined. */
  readonly folder: string | undefined
  /** While there is work, a checkpoint follows the one before after so long. */
  readonly checkpointMs: number
}

/** Moments at which a fault test ends the process. */
export type LogStep =
  | 'secrets-stored'
  | 'growth-stored'
  | 'tree-fixed'
  | 'checkpoint-signed'
  | 'checkpoint-on-topic'
  | 'checkpoint-published'

/** What a keeper works with. */
export interface LogKeeperOptions {
  readonly settings: LogSettings
  readonly store: AuditStore
  readonly kafka: Pick<Kafka, 'replay'>
  readonly publisher: Publisher
  readonly topics: Topics
  /** The number of this writer's term. */
  readonly fence: number
  /** Called with the places of entries of subjects that were erased before they came, once they are in the tree: nothing of them is to stay beside it. */
  readonly clean: (sequences: readonly number[]) => Promise<void>
  readonly afterStep?: ((step: LogStep) => void | Promise<void>) | undefined
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Metrics
}

/** Adds entries to the log as they come, and says so by signed checkpoints. */
export interface LogKeeper {
  /** There are new entries. */
  wake(): void
  /** Resolves when every entry that was there at the time of the call is under a published checkpoint, and in the files. */
  settle(): Promise<void>
  /** Rejects when this process may not keep the log any more. */
  readonly failed: Promise<never>
  /** How many entries are in the tree. */
  readonly size: number
  /** Why the files are behind. */
  readonly problem: string | undefined
  forgetSecretsOf(subjectId: string): void
  stop(): Promise<void>
}

// One step reads at most so many: the event loop is held for some 10 ms by the hashing of each part.
const maxStep = 4_096
const part = 256
// A long way to catch up is told by a checkpoint now and then, not by one at its end.
const longestSilenceMs = 1_000
// This process is the only one that appends, and wakes the keeper itself.
const sweepMs = 10_000

/**
 * Begins to keep the log. Compares the store with what was published before: throws `LogRefusedError` where it is older, other or damaged, and `LogFencedError` where a
 * later term has begun.
 */
export async function logKeeper(options: LogKeeperOptions): Promise<LogKeeper> {
  const { settings, store, kafka, publisher, topics, fence, log, clock, metrics, afterStep = () => undefined } = options
  const { origin, keys, oldKeys, folder, checkpointMs } = settings
  const trusted = [...keys.map(verifierOf), ...oldKeys]
  const secrets = secretKeeper(store.log, store.forgotten)

  const row = await claimLog(store.log, origin, fence)
  let tree: Tree | undefined = await openTree(store.log, row)
  await refuseOlderStore(store, row, tree.size)
  const found = [await newestOnTopic(kafka, topics, origin, trusted), await inFolder(folder, origin, trusted)]
  for (const one of found) if (one !== undefined) await refuseOtherPast(store, tree, one)
  let published = row.published
  let signedAt = 0

  const sizes = metrics.gauge({ name: 'heed_trail_log_entries', help: 'Entries in the tree of the log' })
  const delays = metrics.histogram({
    name: 'heed_trail_checkpoint_seconds',
    help: 'How long a checkpoint takes, from reading its entries to its publication',
  })
  sizes.set({}, tree.size)

  const files: Mirror | undefined = folder === undefined ? undefined : mirror({ folder, store: store.log, log, clock })
  if (published !== undefined) files?.publish(published)

  const grow = async (from: Tree): Promise<Tree> => {
    const rows = await store.entries.find({ _id: { $gte: from.size } }, { sort: { _id: 1 }, limit: maxStep }).toArray()
    const gap = rows.findIndex(({ _id }, index) => _id !== from.size + index)
    if (gap >= 0)
      throw new LogRefusedError('trail.damaged', `entry ${from.size + gap} is missing: ${rows[gap]?._id ?? 0} stands in its place`)
    if (rows.length === 0) return from
    const leaves: Uint8Array[] = []
    const clean: number[] = []
    for (let at = 0; at < rows.length; at += part) {
      const some = rows.slice(at, at + part)
      const events = some.map(eventOf)
      const held = await secrets.of(subjectsOf(events))
      some.forEach((entry, index) => {
        const event = events[index]
        const made = event === undefined ? undefined : leafOfEntry(entry, event, held, bytesOf(row.seal))
        if (made === undefined) throw new LogRefusedError('trail.damaged', `entry ${entry._id} has lost its facts before it was in the log`)
        leaves.push(Buffer.from(made.text))
        if (made.disclosure.subjects.some(({ subjectId }) => secrets.forgotten(subjectId))) clean.push(entry._id)
      })
      // others get their turn
      await new Promise((resolve) => setImmediate(resolve))
    }
    await afterStep('secrets-stored')
    const { tree: grown, tiles, bundles } = extendTree(from, leaves)
    await storeGrowth(store.log, fence, tiles, bundles)
    await afterStep('growth-stored')
    await fixTree(store.log, fence, from, grown, clean)
    await afterStep('tree-fixed')
    if (clean.length > 0) await cleaned(clean)
    return grown
  }

  const cleaned = async (sequences: readonly number[]): Promise<void> => {
    await options.clean(sequences)
    await store.log.log.updateOne({ _id: 'log', fence }, { $pullAll: { clean: [...sequences] } })
  }
  // what a writer before this one had in the tree and did not come to
  if (row.clean !== undefined && row.clean.length > 0) await cleaned(row.clean)

  const sign = async (fixed: Tree): Promise<void> => {
    const checkpoint: Checkpoint = { origin, size: fixed.size, rootHash: fixed.root, extensions: [] }
    const note = formatNote(signNote(formatCheckpoint(checkpoint), keys))
    const at = clock.now()
    await afterStep('checkpoint-signed')
    // first where nobody can take it back, then where it is shown: whoever has seen a checkpoint can find it on the topic
    await publisher.publish([
      checkpointRecord(topics, { origin, size: fixed.size, rootHash: Buffer.from(fixed.root).toString('hex'), note, at }),
    ])
    await afterStep('checkpoint-on-topic')
    const signed: SignedCheckpoint = { size: fixed.size, root: binaryOf(fixed.root), note, at: new Date(at) }
    const stored = await store.log.log.updateOne({ _id: 'log', fence }, { $set: { published: signed } })
    if (stored.matchedCount === 0) throw new LogFencedError(fence)
    const { size, ...rest } = signed
    await store.log.checkpoints.replaceOne({ _id: size }, rest, { upsert: true })
    published = signed
    signedAt = at
    files?.publish(signed)
    await afterStep('checkpoint-published')
  }

  const isTold = (fixed: Tree) => fixed.size === (published?.size ?? 0) && (fixed.size === 0 || isSignedBy(published?.note ?? '', keys))

  let fail: (error: Error) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)

  const step = async (signal: AbortSignal): Promise<'again' | 'idle'> => {
    const startedAt = clock.now()
    tree ??= await openTree(store.log, await claimLog(store.log, origin, fence))
    const before = tree
    const grown = await grow(before)
    tree = grown
    sizes.set({}, grown.size)
    if (isTold(grown)) return 'idle'
    if (grown.size - before.size === maxStep && clock.now() - signedAt < longestSilenceMs) return 'again'
    await sign(grown)
    delays.observe({}, (clock.now() - startedAt) / 1_000)
    // what comes meanwhile shares the next one
    await clock.sleep(Math.max(0, startedAt + checkpointMs - clock.now()), signal)
    return 'again'
  }

  const run = async (signal: AbortSignal): Promise<'again' | 'idle'> => {
    try {
      return await step(signal)
    } catch (thrown) {
      // what was stored and what not is read anew
      tree = undefined
      const error = asError(thrown)
      if (error instanceof LogFencedError || error instanceof LogRefusedError) {
        fail(error)
        return 'idle'
      }
      throw thrown
    }
  }

  const one: Loop = loop({ name: 'trail.log', everyMs: sweepMs, run, log, clock })
  return {
    wake: one.wake,
    settle: async () => {
      await one.settle()
      await files?.settle()
    },
    failed,
    get size() {
      return tree?.size ?? 0
    },
    get problem() {
      return files?.problem
    },
    forgetSecretsOf: (subjectId) => secrets.drop(subjectId),
    stop: once(async () => {
      await one.stop()
      await files?.stop()
    }),
  }
}

async function inFolder(folder: string | undefined, origin: string, keys: readonly VerifierKey[]) {
  const note = folder === undefined ? undefined : await checkpointInFolder(folder)
  return note === undefined ? undefined : readCheckpoint(note, origin, keys, 'the file checkpoint in the folder of the log')
}

async function refuseOlderStore(store: AuditStore, row: LogRow, size: number): Promise<void> {
  const head = await store.head.findOne({ _id: 'trail' })
  if ((head?.next ?? 0) < size) {
    throw new LogRefusedError('trail.rolled-back', `the log has ${size} entries, and the database holds only ${head?.next ?? 0} of them`)
  }
  if (row.published !== undefined && row.published.size > size) {
    throw new LogRefusedError('trail.damaged', `a checkpoint of ${row.published.size} entries was published, and the tree has ${size}`)
  }
}

async function refuseOtherPast(
  store: AuditStore,
  tree: Tree,
  { checkpoint, place }: { readonly checkpoint: Checkpoint; readonly place: string },
): Promise<void> {
  if (checkpoint.size > tree.size) {
    throw new LogRefusedError(
      'trail.rolled-back',
      `${place} is a checkpoint of ${checkpoint.size} entries, and the log in this database has only ${tree.size}: the database is older than what was published`,
    )
  }
  const root = frontierRoot(await readFrontier(checkpoint.size, tileReader(store.log, 0)))
  if (Buffer.compare(root, checkpoint.rootHash) !== 0) {
    throw new LogRefusedError(
      'trail.forked',
      `${place} is a checkpoint of ${checkpoint.size} entries with another root than this database gives`,
    )
  }
}

/** Whether the note has a signature by each of these keys, and by no other. */
function isSignedBy(note: string, keys: readonly SignerKey[]): boolean {
  const names = (list: readonly { readonly name: string; readonly keyId: string }[]) =>
    list
      .map(({ name, keyId }) => `${name}+${keyId}`)
      .sort()
      .join()
  return names(parseNote(note).signatures) === names(keys)
}
