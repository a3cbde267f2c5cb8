import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { TrailEvent } from '@heed/contracts'
import { parsePolicyText } from '@heed/contracts/policy'
import { leafOf, subjectCommitment, subjectsIn } from '@heed/contracts/trail'
import { decideChange, deliveriesFor, emptySnapshot, type PurposeKey, type SubjectId } from '@heed/domain'
import {
  EMPTY_EDGE,
  edgeFrontier,
  extendEdge,
  formatCheckpoint,
  formatNote,
  formatVerifierKey,
  frontierRoot,
  generateSignerKey,
  leafHash,
  memoryTiles,
  parseVerifierKey,
  proveConsistency,
  proveInclusion,
  type SignerKey,
  signNote,
} from '@heed/merkle-log'
import type { About, EvidenceBundle } from './bundle.ts'

// A log of one opt-out told to five recipients, in a crowd of others; for tests only.

/** The name of the log. */
export const origin = 'example.com/trail'
/** The key of the log. */
export const key = generateSignerKey(origin, 'ed25519')
/** Somebody else's key with the same name. */
export const otherKey = generateSignerKey(origin, 'ed25519')

const policyText = readFileSync(new URL('../../../deploy/policy/qualified3d.yaml', import.meta.url), 'utf8')
const policy = parsePolicyText(policyText, 'qualified3d.yaml')
const policySha = createHash('sha256').update(policyText).digest('hex')
const salt = (text: string) => createHash('sha256').update(text).digest()

/** The subject of the example. */
export const ada = 's-00000000000000000000000040' as SubjectId
const bob = 's-00000000000000000000000080' as SubjectId
const start = Date.UTC(2026, 10, 23, 10, 2, 11, 123)

interface Row {
  readonly leaf: string
  readonly disclosure: EvidenceBundle['entries'][number]['disclosure']
  readonly subjectIds: readonly string[]
}

function rowOf(event: TrailEvent, at: number): Row {
  const made = leafOf(event, at, { commitment: (id) => subjectCommitment(salt(id), id), sealedSalt: () => salt(`sealed ${at}`) })
  const subjectIds = subjectsIn(event)
  return {
    leaf: made.text,
    subjectIds,
    disclosure: {
      subjects: subjectIds.map((subjectId) => ({ subjectId, salt: salt(subjectId) })),
      ...(made.sealed === undefined ? {} : { sealed: { text: made.sealed, salt: salt(`sealed ${at}`) } }),
    },
  }
}

function changeRows(subjectId: SubjectId, at: number): Row[] {
  const decision = decideChange({
    policy,
    current: emptySnapshot(subjectId),
    requested: [{ key: 'email-marketing' as PurposeKey, choice: 'denied' }],
    origin: { kind: 'person', caller: 'demo', reference: 'ticket-7' },
    now: at,
  })
  if (decision.kind !== 'changed') throw new Error(decision.kind)
  const { change } = decision
  const { snapshot, cause, changed, linked, origin: from } = change
  const accepted: TrailEvent = {
    type: 'heed.preference.changed.v1',
    data: {
      changeId: change.id,
      subjectId,
      version: 1,
      cause,
      choices: snapshot.choices,
      changed: [...changed],
      linked: [...linked],
      origin: from,
      policyVersion: policy.version,
      acceptedAt: at,
    },
  }
  const rows = [rowOf(accepted, at)]
  for (const delivery of deliveriesFor(policy, change)) {
    const { id, changed: keys, evidence, ...rest } = delivery
    rows.push(rowOf({ type: 'heed.delivery.requested.v1', data: { ...rest, deliveryId: id, changed: [...keys], evidence } }, at + 5))
    const attempt = { deliveryId: id, recipientId: delivery.recipientId, subjectId, version: 1, assertion: 0, attempt: 1, durationMs: 12 }
    const isMail = delivery.recipientId === 'mailchimp'
    rows.push(
      rowOf(
        {
          type: 'heed.delivery.attempted.v1',
          data: {
            ...attempt,
            outcomeId: `${id}#0.1.1`,
            outcome: isMail ? { kind: 'confirmed' } : { kind: 'deferred', reason: 'unavailable.rate-limited' },
            ...(isMail ? {} : { waitReason: 'rate_limited', nextTryAt: at + 60_000 }),
            at: at + 900,
          },
        },
        at + 900,
      ),
    )
    if (isMail)
      rows.push(
        rowOf(
          {
            type: 'heed.delivery.attempted.v1',
            data: { ...attempt, attempt: 2, outcomeId: `${id}#0.2.1`, outcome: { kind: 'verified' }, at: at + 300_000 },
          },
          at + 300_000,
        ),
      )
  }
  return rows
}

const loaded: Row = rowOf(
  {
    type: 'heed.policy.loaded.v1',
    data: {
      actId: 'policy-1',
      at: start - 1_000,
      by: 'preferences',
      policyId: policy.id,
      policyVersion: policy.version,
      sha256: policySha,
      service: 'preferences',
    },
  },
  start - 1_000,
)

/** The whole log, and what can be made of it. */
export const log = (() => {
  const rows = [
    loaded,
    ...changeRows(bob, start - 500),
    ...changeRows(ada, start),
    ...changeRows('s-000000000000000000000000c0' as SubjectId, start + 500),
  ]
  const tiles = memoryTiles()
  const built = extendEdge(
    EMPTY_EDGE,
    rows.map(({ leaf }) => leafHash(Buffer.from(leaf))),
  )
  tiles.write(built.tiles)
  const rootOf = (size: number) =>
    frontierRoot(
      edgeFrontier(
        extendEdge(
          EMPTY_EDGE,
          rows.slice(0, size).map(({ leaf }) => leafHash(Buffer.from(leaf))),
        ).edge,
      ),
    )
  const checkpoint = (size = rows.length, signer: SignerKey = key, rootHash = rootOf(size)) =>
    formatNote(signNote(formatCheckpoint({ origin, size, rootHash, extensions: [] }), [signer]))
  return { rows, size: rows.length, readTiles: tiles.readTiles, checkpoint, rootOf }
})()

/** The bundle of the change of `ada`, with a proof that the tree of 4 entries is the beginning of this one. */
export async function exampleBundle(about: About = { kind: 'change', changeId: `${ada}/1` }): Promise<EvidenceBundle> {
  const chosen = log.rows.flatMap((row, sequence) => (sequence === 0 || row.subjectIds.includes(ada) ? [{ row, sequence }] : []))
  return {
    about,
    checkpoint: log.checkpoint(),
    claimedKeys: [formatVerifierKey(key)],
    entries: await Promise.all(
      chosen.map(async ({ row: { leaf, disclosure }, sequence }) => ({
        sequence,
        leaf,
        hashes: await proveInclusion(sequence, log.size, log.readTiles),
        ...(disclosure === undefined || sequence === 0 ? {} : { disclosure }),
      })),
    ),
    olderTrees: [{ size: 4, hashes: await proveConsistency(4, log.size, log.readTiles) }],
    policies: [{ sha256: policySha, text: policyText }],
  }
}

/** Whoever believes `key`. */
export const trusted = { policy: { origin, logKeys: [parseVerifierKey(formatVerifierKey(key))] } }
