import { createHash } from 'node:crypto'
import { type Leaf, parseLeaf } from '@heed/contracts/trail'
import { parseChangeId, parseDeliveryId } from '@heed/domain'
import { type About, type EvidenceBundle, type EvidenceEntry, MAX_BUNDLE_ENTRIES, type OlderTree, type PolicyText } from '@heed/evidence'
import type { EntryFilter, EntryRow, KnownCheckpoint, LoggedEntry, LogReader } from '@heed/trail'
import type { mongo } from 'mongoose'
import type { PolicyTexts } from './policy-texts.ts'

/** What evidence is gathered from. */
export interface EvidenceSources {
  readonly reader: LogReader
  readonly entries: mongo.Collection<EntryRow>
  readonly policies: PolicyTexts
  /** The keys of the log as they are exchanged. */
  readonly verifierKeys: readonly string[]
}

/** Why no bundle can be made: the trail knows nothing of it (yet), there are more entries than one bundle holds, or no checkpoint covers the sizes asked for. */
export class EvidenceError extends Error {
  override readonly name = 'EvidenceError'
  readonly reason: 'unknown' | 'too-many' | 'size-beyond'

  constructor(reason: EvidenceError['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

interface Chosen extends LoggedEntry {
  readonly parsed: Leaf | undefined
}

const proofsAtOnce = 500

/**
 * The bundle about this, under the newest checkpoint that witnesses cosigned where it covers everything, else under the newest of all. `progress` hears from 0 to 1.
 * Throws `EvidenceError`, and what the reader throws.
 */
export async function gatherEvidence(
  { reader, entries: rows, policies, verifierKeys }: EvidenceSources,
  about: About,
  againstSizes: readonly number[],
  progress: (done: number) => void = () => undefined,
): Promise<EvidenceBundle> {
  const newest = await reader.checkpoint()
  if (newest === undefined) throw new EvidenceError('unknown', 'the log has no checkpoint yet')
  const chosen = await choose(reader, about, newest.size)
  if (!chosen.some(({ parsed }) => parsed !== undefined && isSubjectOf(about, parsed)))
    throw new EvidenceError('unknown', 'the trail holds nothing of it under a checkpoint: it is too new, was erased, or never was')
  progress(0.3)
  const { found, texts } = await policiesFor(rows, policies, chosen)
  for (const sequence of found)
    chosen.push(...(await choose(reader, { from: sequence, to: Math.min(sequence + 1, newest.size) }, newest.size)))
  const ordered = [...new Map(chosen.map((entry) => [entry.sequence, entry])).values()].sort((a, b) => a.sequence - b.sequence)
  const checkpoint = await bestCheckpoint(reader, newest, ordered.at(-1)?.sequence ?? 0, againstSizes)
  const proven: EvidenceEntry[] = []
  for (let at = 0; at < ordered.length; at += proofsAtOnce) {
    const part = ordered.slice(at, at + proofsAtOnce)
    const proofs = await reader.prove(
      part.map(({ sequence }) => sequence),
      checkpoint.size,
    )
    for (const [index, { sequence, leaf, disclosure }] of part.entries())
      proven.push({ sequence, leaf, hashes: proofs[index]?.hashes ?? [], ...(disclosure === undefined ? {} : { disclosure }) })
    progress(0.3 + (0.6 * (at + part.length)) / ordered.length)
  }
  const olderTrees: OlderTree[] = []
  for (const size of new Set(againstSizes)) {
    if (size > checkpoint.size)
      throw new EvidenceError('size-beyond', `the newest checkpoint is of ${checkpoint.size} entries, fewer than ${size}`)
    if (size > 0 && size < checkpoint.size) olderTrees.push({ size, hashes: await reader.proveGrowth(size, checkpoint.size) })
  }
  return { about, checkpoint: checkpoint.note, claimedKeys: verifierKeys, entries: proven, olderTrees, policies: texts }
}

/** A witnessed checkpoint says more than one that nobody else saw, where it covers all that is to be shown. */
async function bestCheckpoint(
  reader: LogReader,
  newest: KnownCheckpoint,
  last: number,
  againstSizes: readonly number[],
): Promise<KnownCheckpoint> {
  const witnessed = await reader.witnessed()
  return witnessed !== undefined && witnessed.size > last && againstSizes.every((size) => size <= witnessed.size) ? witnessed : newest
}

function filterOf(about: About | { readonly from: number; readonly to: number }, size: number): EntryFilter {
  if (!('kind' in about)) return about
  switch (about.kind) {
    case 'change':
      return { to: size, subjectId: parseChangeId(about.changeId)?.subjectId ?? '' }
    case 'delivery':
      return { to: size, subjectId: parseDeliveryId(about.deliveryId)?.subjectId ?? '' }
    case 'subject':
      return { to: size, subjectId: about.subjectId }
    case 'period':
      return { to: size, since: about.from, before: about.to }
    default:
      return about satisfies never
  }
}

async function choose(reader: LogReader, about: About | { readonly from: number; readonly to: number }, size: number): Promise<Chosen[]> {
  const chosen: Chosen[] = []
  for await (const { entries } of reader.entries(filterOf(about, size))) {
    for (const entry of entries) {
      const parsed = parseLeaf(entry.leaf)
      if (parsed !== undefined && belongs(about, parsed)) chosen.push({ ...entry, parsed })
    }
    if (chosen.length > MAX_BUNDLE_ENTRIES - 100)
      throw new EvidenceError('too-many', `more entries than the ${MAX_BUNDLE_ENTRIES} that one file holds: ask for a shorter period`)
  }
  return chosen
}

/** Whether an entry of the subject is a part of what is asked for: a version's own entries, and for a delivery also the change that it comes from. */
function belongs(about: About | { readonly from: number; readonly to: number }, leaf: Leaf): boolean {
  if (!('kind' in about)) return true
  switch (about.kind) {
    case 'change':
      return leaf.version === parseChangeId(about.changeId)?.version
    case 'delivery': {
      const delivery = parseDeliveryId(about.deliveryId)
      return leaf.version === delivery?.version && (leaf.recipient === delivery?.recipientId || leaf.kind === 'change-accepted')
    }
    case 'subject':
    case 'period':
      return true
    default:
      return about satisfies never
  }
}

/** Whether the entry is the one that the bundle cannot do without. */
function isSubjectOf(about: About, leaf: Leaf): boolean {
  switch (about.kind) {
    case 'change':
      return leaf.kind === 'change-accepted'
    case 'delivery':
      return leaf.kind === 'delivery-requested' && leaf.recipient === parseDeliveryId(about.deliveryId)?.recipientId
    case 'subject':
    case 'period':
      return true
    default:
      return about satisfies never
  }
}

interface LoadedPolicy {
  readonly sequence: number
  readonly version: string
  readonly sha256: string
}

/** For each policy version that a change names: the entry that binds its text, the newest that is not after the change where there is one, and the text. */
async function policiesFor(
  rows: mongo.Collection<EntryRow>,
  policies: PolicyTexts,
  chosen: readonly Chosen[],
): Promise<{ found: number[]; texts: PolicyText[] }> {
  const wanted = new Map<string, number>()
  for (const { parsed, sequence } of chosen)
    if (parsed?.kind === 'change-accepted' && parsed.policy !== undefined && !wanted.has(parsed.policy)) wanted.set(parsed.policy, sequence)
  if (wanted.size === 0) return { found: [], texts: [] }
  const loaded = (await rows.find({ kind: 'policy-loaded' }, { sort: { _id: 1 }, projection: { facts: 1 } }).toArray()).flatMap(loadedOf)
  const kept = await policies.find([...new Set(loaded.map(({ sha256 }) => sha256))])
  const found: number[] = []
  const texts = new Map<string, PolicyText>()
  for (const [version, sequence] of wanted) {
    const known = loaded.filter((entry) => entry.version === version && kept.has(entry.sha256))
    const binding = known.findLast((entry) => entry.sequence <= sequence) ?? known[0]
    const text = binding === undefined ? undefined : kept.get(binding.sha256)
    if (binding === undefined || text === undefined || createHash('sha256').update(text).digest('hex') !== binding.sha256) continue
    found.push(binding.sequence)
    texts.set(binding.sha256, { sha256: binding.sha256, text })
  }
  return { found, texts: [...texts.values()].sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1)) }
}

function loadedOf({ _id: sequence, facts }: Pick<EntryRow, '_id' | 'facts'>): LoadedPolicy[] {
  if (facts === undefined) return []
  const { policyVersion, sha256 } = JSON.parse(facts) as { policyVersion?: unknown; sha256?: unknown }
  return typeof policyVersion === 'string' && typeof sha256 === 'string' ? [{ sequence, version: policyVersion, sha256 }] : []
}
