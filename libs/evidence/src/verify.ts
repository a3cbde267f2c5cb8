import { createHash } from 'node:crypto'
import { PolicyFileError, parsePolicyText } from '@heed/contracts/policy'
import { checkDisclosure, parseLeaf } from '@heed/contracts/trail'
import { type Change, deliveriesFor, type Policy, parseChangeId, parseDeliveryId } from '@heed/domain'
import {
  type Checkpoint,
  type CheckpointReason,
  type ConsistencyReason,
  claimedCheckpoint,
  type InclusionReason,
  leafHash,
  type TrustPolicy,
  type VerifiedSignature,
  verifyCheckpoint,
  verifyConsistency,
  verifyInclusion,
} from '@heed/merkle-log'
import type { EvidenceBundle } from './bundle.ts'
import { changeFacts, policyFacts, type ReadEntry, readEntries } from './facts.ts'
import { decodeBundle } from './file.ts'
import { type Story, storyOf } from './story.ts'

/** Which check did not hold. */
export type FindingReason =
  | CheckpointReason
  | InclusionReason
  | ConsistencyReason
  | 'trust.no-key'
  | 'entry.order'
  | 'entry.malformed'
  | 'entry.disclosure'
  | 'about.missing'
  | 'about.foreign'
  | 'policy.text'
  | 'policy.not-in-trail'
  | 'policy.missing'
  | 'older.no-proof'
  | 'older.newer'
  | 'page.differs'

/** Something that is wrong: which check, why in one sentence, and at which entry of the log. */
export interface Finding {
  readonly reason: FindingReason
  readonly detail: string
  readonly sequence?: number
}

/** Whom a verifier believes, and what it has seen before. */
export interface BundleTrust {
  /** Undefined where the verifier was given no key: then nothing can be proved. */
  readonly policy: TrustPolicy | undefined
  /** Checkpoints of the same log that were kept from earlier: signed notes. */
  readonly older?: readonly string[]
}

/** What a check of a bundle says. `ok` means: every check held. Findings are in the order of the checks, at most `MAX_FINDINGS`. */
export interface BundleVerdict {
  readonly ok: boolean
  readonly findings: readonly Finding[]
  /** What holds and yet deserves a look: recipients that the policy names and of which the bundle says nothing; a page that could not be compared. */
  readonly notices: readonly string[]
  readonly checkpoint: Checkpoint | undefined
  readonly signedBy: readonly string[]
  readonly witnessedBy: readonly VerifiedSignature[]
  readonly bundle: EvidenceBundle
  readonly story: Story
}

/** How many findings a verdict lists; a file with more is as wrong with the first ones. */
export const MAX_FINDINGS = 50

// said on behalf of the whole log, not of a person
const context: ReadonlySet<string> = new Set(['policy-loaded', 'configuration-changed', 'journal-counted'])

/**
 * Whether the file proves what it says to somebody who believes these keys. Needs nothing but its arguments. Throws `BundleError` for bytes that are no bundle; for a
 * bundle it always gives a verdict.
 */
export function verifyBundle(bytes: Uint8Array, trust: BundleTrust): BundleVerdict {
  const { bundle, page } = decodeBundle(bytes)
  const entries = readEntries(bundle.entries)
  const findings: Finding[] = []
  const notices: string[] = []
  const signed = checkedCheckpoint(bundle, trust, findings)
  findings.push(...entryFindings(bundle, signed.checkpoint), ...aboutFindings(bundle, entries))
  findings.push(...policyFindings(bundle, entries, notices))
  for (const older of trust.older ?? []) findings.push(...olderFindings(bundle, signed.checkpoint, older, trust.policy))
  if (page === 'false')
    findings.push({ reason: 'page.differs', detail: 'The page index.html does not say what the evidence beside it says.' })
  if (page === 'unknown')
    notices.push('The page index.html was drawn by another release and was not compared; what is listed here is what the evidence says.')
  return {
    ok: findings.length === 0,
    findings: findings.slice(0, MAX_FINDINGS),
    notices,
    checkpoint: signed.checkpoint,
    signedBy: signed.signedBy,
    witnessedBy: signed.witnessedBy,
    bundle,
    story: storyOf(entries),
  }
}

interface Signed {
  /** What the statement says, believed or not: the proofs are held against it either way. */
  readonly checkpoint: Checkpoint | undefined
  readonly signedBy: readonly string[]
  readonly witnessedBy: readonly VerifiedSignature[]
}

function checkedCheckpoint(bundle: EvidenceBundle, { policy }: BundleTrust, findings: Finding[]): Signed {
  if (policy === undefined) {
    findings.push({ reason: 'trust.no-key', detail: 'No public key was given, so nobody can tell whose log this is.' })
    return { checkpoint: claimedCheckpoint(bundle.checkpoint), signedBy: [], witnessedBy: [] }
  }
  const verdict = verifyCheckpoint(bundle.checkpoint, policy)
  if (!verdict.ok) {
    findings.push({ reason: verdict.reason, detail: verdict.detail })
    return { checkpoint: claimedCheckpoint(bundle.checkpoint), signedBy: [], witnessedBy: [] }
  }
  return { checkpoint: verdict.checkpoint, signedBy: verdict.signedBy.map(({ name }) => name), witnessedBy: verdict.witnessedBy }
}

function entryFindings({ entries }: EvidenceBundle, checkpoint: Checkpoint | undefined): Finding[] {
  const findings: Finding[] = []
  let before = -1
  for (const { sequence, leaf: text, hashes, disclosure } of entries) {
    if (sequence <= before)
      findings.push({
        reason: 'entry.order',
        sequence,
        detail: `Entry ${sequence} stands after entry ${before}: the order of the log was changed.`,
      })
    before = Math.max(before, sequence)
    if (checkpoint !== undefined) {
      const { size, rootHash: root } = checkpoint
      const verdict = verifyInclusion({ leafHash: leafHash(Buffer.from(text)), index: sequence, size, root, proof: hashes })
      if (!verdict.ok) findings.push({ reason: verdict.reason, sequence, detail: verdict.detail })
    }
    const leaf = parseLeaf(text)
    if (leaf === undefined)
      findings.push({ reason: 'entry.malformed', sequence, detail: 'The entry is not written as entries of the trail are.' })
    else if (disclosure !== undefined) {
      const verdict = checkDisclosure(leaf, disclosure)
      if (!verdict.ok) findings.push({ reason: 'entry.disclosure', sequence, detail: verdict.detail })
    }
  }
  return findings
}

function aboutFindings({ about }: EvidenceBundle, entries: readonly ReadEntry[]): Finding[] {
  const foreign = (isForeign: (entry: ReadEntry) => boolean): Finding[] =>
    entries
      .filter((entry) => !context.has(entry.leaf.kind) && isForeign(entry))
      .map(({ sequence }) => ({ reason: 'about.foreign', sequence, detail: 'The entry has nothing to do with what the file is about.' }))
  const missing = (detail: string): Finding => ({ reason: 'about.missing', detail })
  switch (about.kind) {
    case 'change': {
      const change = parseChangeId(about.changeId)
      const isIt = ({ leaf, subjectIds }: ReadEntry) =>
        leaf.kind === 'change-accepted' && leaf.version === change?.version && subjectIds[0] === change?.subjectId
      return [
        ...(change !== undefined && entries.some(isIt)
          ? []
          : [missing('No entry of the file is the acceptance of the change that it is about.')]),
        ...foreign(({ subjectIds }) => change === undefined || !subjectIds.includes(change.subjectId)),
      ]
    }
    case 'delivery': {
      const delivery = parseDeliveryId(about.deliveryId)
      const isIt = ({ leaf, subjectIds }: ReadEntry) =>
        leaf.kind === 'delivery-requested' &&
        leaf.version === delivery?.version &&
        leaf.recipient === delivery?.recipientId &&
        subjectIds[0] === delivery?.subjectId
      return [
        ...(delivery !== undefined && entries.some(isIt)
          ? []
          : [missing('No entry of the file is the request of the delivery that it is about.')]),
        ...foreign(({ subjectIds }) => delivery === undefined || !subjectIds.includes(delivery.subjectId)),
      ]
    }
    case 'subject':
      return [
        ...(entries.some(({ subjectIds }) => subjectIds.includes(about.subjectId))
          ? []
          : [missing('No entry of the file is about the subject that it is about.')]),
        ...foreign(({ subjectIds }) => !subjectIds.includes(about.subjectId)),
      ]
    case 'period':
      return foreign(({ leaf }) => leaf.at < about.from || leaf.at >= about.to)
    default:
      return about satisfies never
  }
}

function policyFindings({ policies }: EvidenceBundle, entries: readonly ReadEntry[], notices: string[]): Finding[] {
  const findings: Finding[] = []
  const byVersion = new Map<string, Policy>()
  const bound = new Set<string>()
  for (const { leaf } of entries) {
    const loaded = policyFacts(leaf)
    if (loaded !== undefined) bound.add(`${leaf.policy} ${loaded.sha256}`)
  }
  for (const { sha256, text } of policies) {
    const actual = createHash('sha256').update(text, 'utf8').digest('hex')
    if (actual !== sha256) {
      findings.push({
        reason: 'policy.text',
        detail: `The policy beside the evidence is not the text with the SHA-256 ${sha256}: it was changed.`,
      })
      continue
    }
    const policy = policyOf(text)
    if (policy === undefined) findings.push({ reason: 'policy.text', detail: `The policy text ${sha256} cannot be read as a policy.` })
    else if (!bound.has(`${policy.version} ${sha256}`))
      findings.push({ reason: 'policy.not-in-trail', detail: `No entry of the file says that the policy text ${sha256} was in force.` })
    else byVersion.set(policy.version, policy)
  }
  for (const entry of entries) {
    const { policy: version, kind } = entry.leaf
    if (kind !== 'change-accepted' || version === undefined) continue
    const policy = byVersion.get(version)
    if (policy === undefined)
      findings.push({
        reason: 'policy.missing',
        sequence: entry.sequence,
        detail: `The text of the policy ${version}, under which this was accepted, is not in the file.`,
      })
    else notices.push(...unsaid(policy, entry, entries))
  }
  return findings
}

function policyOf(text: string): Policy | undefined {
  try {
    return parsePolicyText(text, 'policy')
  } catch (thrown) {
    if (thrown instanceof PolicyFileError) return undefined
    throw thrown
  }
}

/** The recipients that the policy names for a change and of which the bundle holds no delivery. */
function unsaid(policy: Policy, { leaf, subjectIds }: ReadEntry, entries: readonly ReadEntry[]): string[] {
  const facts = changeFacts(leaf)
  const [subjectId] = subjectIds
  if (facts === undefined || subjectId === undefined || leaf.version === undefined) return []
  const told = new Set(
    entries
      .filter(
        (other) => other.leaf.kind === 'delivery-requested' && other.leaf.subject === leaf.subject && other.leaf.version === leaf.version,
      )
      .map((other) => other.leaf.recipient),
  )
  const change = {
    id: `${subjectId}/${leaf.version}`,
    snapshot: { subjectId, version: leaf.version, choices: facts.choices },
    cause: facts.cause,
    changed: facts.changed,
    linked: facts.linked,
    origin: { kind: facts.origin, caller: leaf.by },
    policyVersion: policy.version,
    acceptedAt: leaf.at,
    // parsed from the leaf above; only who is named is asked for
  } as unknown as Change
  const silent = deliveriesFor(policy, change).filter(({ recipientId }) => !told.has(recipientId))
  return silent.length === 0
    ? []
    : [
        `The policy names ${silent.map(({ recipientId }) => recipientId).join(', ')} for version ${leaf.version}, and the file says nothing of a delivery there.`,
      ]
}

function olderFindings(
  { olderTrees }: EvidenceBundle,
  checkpoint: Checkpoint | undefined,
  older: string,
  policy: TrustPolicy | undefined,
): Finding[] {
  if (policy === undefined || checkpoint === undefined) return []
  // whether witnesses had seen it by then is not the question
  const verdict = verifyCheckpoint(older, { ...policy, minWitnesses: 0 })
  if (!verdict.ok) return [{ reason: verdict.reason, detail: `The older checkpoint: ${verdict.detail}` }]
  const { size: oldSize, rootHash: oldRoot } = verdict.checkpoint
  if (oldSize > checkpoint.size)
    return [
      {
        reason: 'older.newer',
        detail: `The checkpoint to compare with has ${oldSize} entries, more than the ${checkpoint.size} of the file: make the file anew.`,
      },
    ]
  const tree = olderTrees.find(({ size }) => size === oldSize)
  if (tree === undefined && oldSize !== checkpoint.size && oldSize !== 0)
    return [
      {
        reason: 'older.no-proof',
        detail: `The file has no proof from the tree of ${oldSize} entries: make it with \`heed trail prove … --against <that checkpoint>\`.`,
      },
    ]
  const proof = oldSize === checkpoint.size || oldSize === 0 ? [] : (tree?.hashes ?? [])
  const consistency = verifyConsistency({ oldSize, oldRoot, newSize: checkpoint.size, newRoot: checkpoint.rootHash, proof })
  if (consistency.ok) return []
  const fork = oldSize === checkpoint.size ? 'The log has signed two different trees of one size: it was forked. ' : ''
  return [{ reason: consistency.reason, detail: `${fork}${consistency.detail}` }]
}
