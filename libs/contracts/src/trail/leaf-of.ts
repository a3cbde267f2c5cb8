import type { EventData, TrailEvent } from '../events.ts'
import { canonicalJson, type JsonValue } from './canonical-json.ts'
import { sealedCommitment } from './commitment.ts'
import { entryKindOf } from './entry-kinds.ts'
import { encodeLeaf, type Facts, type Leaf, MAX_LEAF_BYTES } from './leaf.ts'

/** What a leaf needs and the event does not have. */
export interface LeafSecrets {
  /** The commitment to a subject: see `subjectCommitment`. It is asked for every subject of `subjectsIn`. */
  commitment(subjectId: string): string
  /** The salt of this entry's sealed facts. It is asked for at most once, and only where there are some. */
  sealedSalt(): Uint8Array
}

/** A leaf, and what its commitment `sealed` stands for. */
export interface MadeLeaf {
  readonly leaf: Leaf
  /** The bytes of the leaf, as text. */
  readonly text: string
  /** The sealed facts as canonical JSON. */
  readonly sealed?: string
}

/** What of an event goes where: into the open, under a commitment, or nowhere because it follows from the rest. */
interface Parts {
  readonly by: string
  readonly subjectId?: string | undefined
  readonly recipient?: string | undefined
  readonly version?: number | undefined
  readonly policy?: string | undefined
  readonly what: Facts
  readonly sealed?: Facts
}

/** Every subject that an event speaks of: first the one that it is about, then those that it mentions. */
export function subjectsIn(event: TrailEvent): string[] {
  switch (event.type) {
    case 'heed.preference.changed.v1':
      return [event.data.subjectId, ...(event.data.mergedInto === undefined ? [] : [event.data.mergedInto])]
    case 'heed.identifiers.linked.v1':
    case 'heed.subject.erased.v1':
      return [event.data.subjectId, ...event.data.mergedSubjectIds]
    case 'heed.operator.acted.v1':
      return event.data.subjectId === undefined ? subjectOfDelivery(event.data.deliveryId) : [event.data.subjectId]
    case 'heed.suppressions.imported.v1':
    case 'heed.policy.loaded.v1':
    case 'heed.recipient.paused.v1':
    case 'heed.record.unreadable.v1':
    case 'heed.configuration.changed.v1':
    case 'heed.journal.counted.v1':
      return []
    case 'heed.delivery.requested.v1':
    case 'heed.delivery.attempted.v1':
    case 'heed.delivery.resolved.v1':
    case 'heed.disclosure.made.v1':
    case 'heed.link.made.v1':
    case 'heed.link.used.v1':
    case 'heed.disclosure.reported.v1':
      return [event.data.subjectId]
    default:
      return event satisfies never
  }
}

/**
 * The leaf of an event that is dated `at` (ms since the epoch). The same event, date and secrets give the same bytes, in every process. Ids that are made of a subject id
 * (changes, deliveries, outcomes) are taken apart: the leaf has their other parts. Throws `TypeError` where a fact has no canonical form.
 */
export function leafOf(event: TrailEvent, at: number, secrets: LeafSecrets): MadeLeaf {
  const { by, subjectId, recipient, version, policy, what, sealed } = partsOf(event, secrets)
  const made = finish({ by, recipient, version, policy, what, sealed })
  // a leaf that no bundle can carry keeps its facts under the commitment
  return Buffer.byteLength(made.text) <= MAX_LEAF_BYTES
    ? made
    : finish({ by, recipient, version, policy, what: {}, sealed: { ...sealed, what } })

  function finish(parts: { [Key in keyof Omit<Parts, 'subjectId'>]: Parts[Key] | undefined }): MadeLeaf {
    const hidden = hides(parts.sealed) ? canonicalJson(parts.sealed) : undefined
    // in the order of canonical JSON, which then has nothing to sort
    const leaf: Leaf = {
      at,
      by: parts.by ?? '',
      format: 1,
      kind: entryKindOf(event),
      ...(parts.policy === undefined ? {} : { policy: parts.policy }),
      ...(parts.recipient === undefined ? {} : { recipient: parts.recipient }),
      ...(hidden === undefined ? {} : { sealed: sealedCommitment(secrets.sealedSalt(), hidden) }),
      ...(subjectId === undefined ? {} : { subject: secrets.commitment(subjectId) }),
      ...(parts.version === undefined ? {} : { version: parts.version }),
      what: parts.what ?? {},
    }
    return { leaf, text: encodeLeaf(leaf), ...(hidden === undefined ? {} : { sealed: hidden }) }
  }
}

function hides(sealed: Facts | undefined): sealed is Facts {
  for (const name in sealed) if (sealed[name] !== undefined) return true
  return false
}

function partsOf(event: TrailEvent, { commitment }: LeafSecrets): Parts {
  switch (event.type) {
    case 'heed.preference.changed.v1':
      return changeParts(event.data, commitment)
    case 'heed.delivery.requested.v1': {
      const {
        recipientId: recipient,
        subjectId,
        version,
        assertion,
        kind,
        wanted,
        changed,
        evidence,
        policyVersion,
        acceptedAt,
        deadlineAt,
      } = event.data
      const { open, references } = evidenceParts(evidence)
      return {
        by: 'propagation',
        subjectId,
        recipient,
        version,
        policy: policyVersion,
        what: { acceptedAt, assertion, changed, deadlineAt, evidence: open, kind, wanted },
        sealed: { evidence: references },
      }
    }
    case 'heed.delivery.attempted.v1':
      return attemptParts(event.data)
    case 'heed.disclosure.made.v1': {
      const { by, subjectId, recipientId: recipient, deliveryId, identifiers, policyVersion: policy, reference, handedTo } = event.data
      const version = versionOfDelivery(deliveryId)
      return {
        by,
        subjectId,
        recipient,
        version,
        policy,
        what: { forDelivery: deliveryId !== undefined, identifiers, role: handedTo?.role },
        sealed: { person: handedTo?.person, reference },
      }
    }
    case 'heed.link.made.v1': {
      const { by, subjectId, purpose } = event.data
      return { by, subjectId, what: { purpose } }
    }
    case 'heed.link.used.v1': {
      const { by, subjectId, scope, method, keyId, tokenFingerprint, changeId } = event.data
      return { by, subjectId, version: versionOfChange(changeId), what: { scope, method, keyId }, sealed: { tokenFingerprint } }
    }
    case 'heed.identifiers.linked.v1': {
      const { by, subjectId, kinds, mergedSubjectIds } = event.data
      return { by, subjectId, what: { kinds, merged: mergedSubjectIds.map(commitment) } }
    }
    case 'heed.subject.erased.v1': {
      const { by, subjectId, stage, cause, reference, mergedSubjectIds, changeId, because, openDeliveries, identifiers } = event.data
      const what = { stage, cause, merged: mergedSubjectIds.map(commitment), because, openDeliveries, identifiers }
      return { by, subjectId, version: versionOfChange(changeId), what, sealed: { reference } }
    }
    case 'heed.suppressions.imported.v1': {
      const { by, reference, suppressed, known, denied, unchanged, refused } = event.data
      return { by, what: { suppressed, known, denied, unchanged, refused }, sealed: { reference } }
    }
    case 'heed.disclosure.reported.v1': {
      const { by, subjectId, reference, year, ordinal, ofYear, recipients } = event.data
      return { by, subjectId, what: { year, ordinal, ofYear, recipients }, sealed: { reference } }
    }
    case 'heed.operator.acted.v1': {
      const { by, act, recipientId, deliveryId, why } = event.data
      const [subjectId] = subjectsIn(event)
      const recipient = recipientId ?? recipientOfDelivery(deliveryId)
      return { by, subjectId, recipient, version: versionOfDelivery(deliveryId), what: { act }, sealed: { why } }
    }
    case 'heed.policy.loaded.v1': {
      const { by, policyId, policyVersion: policy, sha256, service } = event.data
      return { by, policy, what: { policyId, sha256, service } }
    }
    case 'heed.recipient.paused.v1': {
      const { by, recipientId: recipient, reason } = event.data
      return { by, recipient, what: {}, sealed: { reason } }
    }
    case 'heed.delivery.resolved.v1': {
      // a named person, in her own words: neither is for a log that forgets nothing
      const { by, why, evidence, subjectId, recipientId: recipient, version } = event.data
      return { by: 'operator', subjectId, recipient, version, what: {}, sealed: { by, evidence, why } }
    }
    case 'heed.record.unreadable.v1': {
      const { readBy, topic, partition, offset, reason, sha256, bytes } = event.data
      return { by: readBy, what: { topic, partition, offset, reason, sha256, bytes } }
    }
    case 'heed.configuration.changed.v1': {
      const { by, service, settings } = event.data
      return { by, what: { service, settings } }
    }
    case 'heed.journal.counted.v1': {
      const { by, position, changes, sha256 } = event.data
      return { by, what: { changes, position, sha256 } }
    }
    default:
      return event satisfies never
  }
}

function changeParts(data: EventData<'heed.preference.changed.v1'>, commitment: LeafSecrets['commitment']): Parts {
  const { subjectId, version, cause, choices, changed, linked, mergedInto, origin, policyVersion } = data
  const open: Record<string, JsonValue> = {}
  const references: Record<string, string> = {}
  for (const [purpose, { choice, version: since, at, evidence }] of Object.entries(choices)) {
    open[purpose] = {
      at,
      choice,
      evidence: evidence === undefined ? undefined : { collectedAt: evidence.collectedAt, kind: evidence.kind },
      version: since,
    }
    if (evidence !== undefined) references[purpose] = evidence.reference
  }
  return {
    by: origin.caller,
    subjectId,
    version,
    policy: policyVersion,
    what: {
      cause,
      changed,
      choices: open,
      linked,
      mergedInto: mergedInto === undefined ? undefined : commitment(mergedInto),
      origin: origin.kind,
    },
    sealed: { evidence: Object.keys(references).length === 0 ? undefined : references, origin: origin.reference },
  }
}

function evidenceParts(evidence: EventData<'heed.delivery.requested.v1'>['evidence']): {
  open: Facts
  references: Facts | undefined
} {
  const open: Record<string, JsonValue> = {}
  const references: Record<string, string> = {}
  for (const [purpose, { kind, collectedAt, reference }] of Object.entries(evidence)) {
    open[purpose] = { kind, collectedAt }
    references[purpose] = reference
  }
  return { open, references: Object.keys(references).length === 0 ? undefined : references }
}

function attemptParts(data: EventData<'heed.delivery.attempted.v1'>): Parts {
  const {
    deliveryId,
    recipientId: recipient,
    subjectId,
    version,
    assertion,
    outcomeId,
    attempt,
    outcome,
    waitReason,
    nextTryAt,
    durationMs,
  } = data
  // `<deliveryId>#<assertion>.<attempt>.<step>`: what stands after the delivery's own id
  const step = outcomeId.startsWith(`${deliveryId}#`) ? outcomeId.slice(deliveryId.length + 1) : undefined
  const isPlain = step !== undefined && /^[0-9.]+$/.test(step)
  const { open, hidden } = outcomeParts(outcome)
  return {
    by: 'connector',
    subjectId,
    recipient,
    version,
    what: { assertion, attempt, durationMs, nextTryAt, outcome: open, ...(isPlain ? { step } : {}), waitReason },
    sealed: { ...hidden, ...(isPlain ? {} : { outcomeId }) },
  }
}

function outcomeParts(outcome: EventData<'heed.delivery.attempted.v1'>['outcome']): { open: Facts; hidden: Facts } {
  switch (outcome.kind) {
    case 'accepted': {
      const { receipt, ...open } = outcome
      return { open, hidden: receipt === undefined ? {} : { receipt } }
    }
    case 'resolved': {
      const { by, why, ...open } = outcome
      return { open, hidden: { by, why } }
    }
    case 'confirmed':
    case 'verified':
    case 'deferred':
    case 'rejected':
    case 'notApplicable':
    case 'superseded':
      return { open: { ...outcome }, hidden: {} }
    default:
      return outcome satisfies never
  }
}

const parts = (id: string | undefined) => id?.split('/') ?? []

function subjectOfDelivery(deliveryId: string | undefined): string[] {
  const [, subjectId] = parts(deliveryId)
  return subjectId === undefined ? [] : [subjectId]
}

function recipientOfDelivery(deliveryId: string | undefined): string | undefined {
  return parts(deliveryId)[0]
}

function versionOfDelivery(deliveryId: string | undefined): number | undefined {
  const version = parts(deliveryId)[2]
  return version === undefined ? undefined : Number(version)
}

function versionOfChange(changeId: string | undefined): number | undefined {
  const version = parts(changeId)[1]
  return version === undefined ? undefined : Number(version)
}
