import type { ChangeId, DeliveryId, PurposeKey, ReasonCode, RecipientId, SubjectId } from '@heed/domain'
import {
  identifierKinds,
  parseChangeId,
  parseDeliveryId,
  parsePurposeKey,
  parseRecipientId,
  parseSubjectId,
  waitReasons,
} from '@heed/domain'
import { z } from 'zod'

/**
 * What stands on the topics. Each schema is the contract of one event type, checked on the way out and on the way in.
 * Unknown fields are dropped, so that a newer writer may add some. No field can hold an address, a name or a token.
 */

const parsed = <T>(what: string, parse: (text: string) => T | undefined) =>
  z
    .string()
    .max(200)
    .refine((text) => parse(text) !== undefined, { error: `not a ${what}` }) as unknown as z.ZodType<T, string>

const subjectId = parsed<SubjectId>('subject id', parseSubjectId)
const recipientId = parsed<RecipientId>('recipient id', parseRecipientId)
const purposeKey = parsed<PurposeKey>('purpose key', parsePurposeKey)
const changeId = parsed<ChangeId>('change id', (text) => (parseChangeId(text) ? (text as ChangeId) : undefined))
const deliveryId = parsed<DeliveryId>('delivery id', (text) => (parseDeliveryId(text) ? (text as DeliveryId) : undefined))
const reasonCode = z.string().regex(/^(?:unavailable|auth|configuration|item|batch|not-applicable)\.[a-z0-9-]+$/) as unknown as z.ZodType<
  ReasonCode,
  string
>
const time = z.int().nonnegative().describe('milliseconds since the epoch')
const version = z.int().positive()
const choice = z.enum(['granted', 'denied'])
/** A reference of a caller: never free text, so that no sentence about a person can slip in. */
const reference = z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/)

const evidence = z.object({
  kind: z.enum(['form', 'double-opt-in', 'preference-page', 'phone-call', 'paper', 'account-setting']),
  reference,
  collectedAt: time,
})

const origin = z.object({
  kind: z.enum(['person', 'one-click', 'preference-page', 'mailto', 'internal-service', 'vendor', 'import', 'operator', 'unknown']),
  caller: z.string().max(64),
  reference: reference.optional(),
})

/** `heed.preference.changed.v1`: the whole snapshot after a change, and what is new in it. */
export const preferenceChanged = z.object({
  changeId,
  subjectId,
  version,
  cause: z.enum(['choice', 'identifiers-linked', 'merged', 'erasure']),
  choices: z.record(purposeKey as unknown as z.ZodString, z.object({ choice, version, at: time, evidence: evidence.optional() })),
  changed: z.array(purposeKey).max(256),
  linked: z.array(z.enum(identifierKinds)).max(64),
  mergedInto: subjectId.optional(),
  origin,
  policyVersion: z.string().max(64),
  acceptedAt: time,
})

/** `heed.delivery.requested.v1`: what one recipient must hold about one subject at one version. */
export const deliveryRequested = z.object({
  deliveryId,
  recipientId,
  subjectId,
  version,
  assertion: z.int().nonnegative(),
  kind: z.enum(['preference', 'erasure']),
  wanted: z.record(purposeKey as unknown as z.ZodString, choice),
  changed: z.array(purposeKey).max(256),
  evidence: z.record(purposeKey as unknown as z.ZodString, evidence),
  changeId,
  policyVersion: z.string().max(64),
  acceptedAt: time,
  deadlineAt: time,
})

const outcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('confirmed') }),
  z.object({ kind: z.literal('accepted'), final: z.boolean(), receipt: z.string().max(128).optional() }),
  z.object({ kind: z.literal('verified') }),
  z.object({ kind: z.literal('deferred'), reason: reasonCode, retryAfterSeconds: z.number().nonnegative().optional() }),
  z.object({ kind: z.literal('rejected'), reason: reasonCode }),
  z.object({ kind: z.literal('notApplicable'), reason: reasonCode }),
  z.object({ kind: z.literal('superseded'), by: version }),
  z.object({ kind: z.literal('resolved'), by: z.string().max(128), why: z.string().max(500), evidence: reference.optional() }),
])

/** `heed.delivery.attempted.v1`: what one attempt (or one act that ended a delivery) came to. */
export const deliveryAttempted = z.object({
  deliveryId,
  recipientId,
  subjectId,
  version,
  assertion: z.int().nonnegative(),
  /** Unique for one attempt or act of one delivery, so that a repeat is seen: `<deliveryId>#<assertion>.<attempt>.<step>`. */
  outcomeId: z.string().max(240),
  attempt: z.int().nonnegative(),
  outcome,
  /** Where the delivery stays open: why it waits, and when it is tried next. */
  waitReason: z.enum(waitReasons).optional(),
  nextTryAt: time.optional(),
  at: time,
  durationMs: z.number().nonnegative(),
})

const actBase = { actId: z.string().max(200), at: time, by: z.string().max(64).describe('the caller or role that acted') }

/** `heed.disclosure.made.v1`: which kinds of identifier of a subject were handed to a recipient, in which form. Never the values. */
export const disclosureMade = z.object({
  ...actBase,
  subjectId,
  recipientId,
  deliveryId: deliveryId.optional(),
  identifiers: z.array(z.object({ kind: z.enum(identifierKinds), form: z.string().max(64), count: z.int().positive() })).max(64),
  policyVersion: z.string().max(64),
  /** The caller's own reference of an upload that it was allowed; absent where a connector was given identifiers. */
  reference: reference.optional(),
  /** Who was handed them, where that was no connector: the role whose duty it is, and the person of the company. */
  handedTo: z.object({ role: z.string().max(64), person: z.string().max(128) }).optional(),
})

/** `heed.link.made.v1`: an unsubscribe link of a subject was made. */
export const linkMade = z.object({ ...actBase, subjectId, purpose: purposeKey })

/** `heed.link.used.v1`: an unsubscribe link was used. */
export const linkUsed = z.object({
  ...actBase,
  subjectId,
  scope: z.string().max(96),
  method: z.enum(['one-click', 'preference-page', 'mailto']),
  tokenFingerprint: z.string().regex(/^[0-9a-f]{8}$/),
  keyId: z.string().max(32),
  changeId: changeId.optional(),
})

/** `heed.identifiers.linked.v1`: identifiers were added to a subject. */
export const identifiersLinked = z.object({
  ...actBase,
  subjectId,
  kinds: z.array(z.enum(identifierKinds)).max(64),
  mergedSubjectIds: z.array(subjectId).max(64),
})

/**
 * `heed.subject.erased.v1`: how far the erasure of a subject has come. One act for each stage, in this order: everything is denied; the recipients are told to
 * erase; the data keys are destroyed; nothing is left of her.
 */
export const subjectErased = z.object({
  ...actBase,
  subjectId,
  stage: z.enum(['requested', 'recipients-told', 'identifiers-destroyed', 'completed']),
  cause: z.enum(['request', 'known-child']),
  /** The caller's reference to how it made sure who asks. */
  reference,
  /** Subjects that were merged into this one and are erased with it. */
  mergedSubjectIds: z.array(subjectId).max(64),
  /** The change that this stage made, where it made one: `requested` the denial, `recipients-told` the erasure. */
  changeId: changeId.optional(),
  /** From `identifiers-destroyed` on: why it was done then, what was still owed, and what was destroyed. */
  because: z.enum(['recipients-settled', 'limit-passed']).optional(),
  openDeliveries: z.int().nonnegative().optional(),
  identifiers: z
    .array(z.object({ kind: z.enum(identifierKinds), count: z.int().positive() }))
    .max(64)
    .optional(),
})

/** `heed.suppressions.imported.v1`: a list of those who must be left alone was taken in. Says how many, and never who. */
export const suppressionsImported = z.object({
  ...actBase,
  reference,
  suppressed: z.int().nonnegative(),
  known: z.int().nonnegative(),
  denied: z.int().nonnegative(),
  unchanged: z.int().nonnegative(),
  refused: z.int().nonnegative(),
})

/** `heed.disclosure.reported.v1`: a report of the hand-overs of a subject was given out. */
export const disclosureReported = z.object({
  ...actBase,
  subjectId,
  reference,
  /** The calendar year (UTC) that it counts for, and which one of that year it is. */
  year: z.int().min(2000).max(9999),
  ordinal: z.int().positive(),
  /** The year whose hand-overs it told; absent where it told all. */
  ofYear: z.int().min(2000).max(9999).optional(),
  recipients: z.int().nonnegative(),
})

/** `heed.operator.acted.v1`: somebody with the right to do so steered deliveries. */
export const operatorActed = z.object({
  ...actBase,
  act: z.enum([
    'recipient-paused',
    'recipient-resumed',
    'delivery-resolved',
    'redelivery-requested',
    'backfill-started',
    'backfill-stopped',
    'backfill-resumed',
    'backfill-completed',
    'policy-applied',
  ]),
  recipientId: recipientId.optional(),
  subjectId: subjectId.optional(),
  deliveryId: deliveryId.optional(),
  why: z.string().max(500).optional(),
})

/** `heed.policy.loaded.v1`: a service started to serve a policy. */
export const policyLoaded = z.object({
  ...actBase,
  policyId: z.string().max(64),
  policyVersion: z.string().max(64),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  service: z.string().max(64),
})

/** `heed.recipient.paused.v1`: whether connectors hold back everything for a recipient. The newest record of a recipient counts. */
export const recipientPaused = z.object({
  recipientId,
  paused: z.boolean(),
  by: z.string().max(64),
  reason: z.string().max(500),
  at: time,
})

/** `heed.delivery.resolved.v1`: a named person ended a delivery. */
export const deliveryResolved = z.object({
  deliveryId,
  recipientId,
  subjectId,
  version,
  by: z.string().max(128),
  why: z.string().max(500),
  evidence: reference.optional().describe('where the proof of it is'),
  at: time,
})

/** `heed.job.reported.v1`: the last word of a recipient about work that it went on with after it had answered, by a signed call of its own. */
export const jobReported = z.object({
  recipientId,
  /** The name under which the recipient knows the work: ours to it, or its own. */
  jobId: z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/),
  status: z.enum(['completed', 'cancelled', 'failed']),
  at: time,
})

/** `heed.record.unreadable.v1`: a record that could not be read, and where it stands. The bytes themselves stay where they are. */
export const recordUnreadable = z.object({
  topic: z.string().max(249),
  partition: z.int().nonnegative(),
  offset: z.string().regex(/^[0-9]+$/),
  reason: z.string().max(500),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().nonnegative(),
  readBy: z.string().max(64),
  at: time,
})

/** `heed.configuration.changed.v1`: a service runs with other settings than before. What became of each by name (`set`, `changed`, `removed`), and values only where everybody may know them, such as public keys. */
export const configurationChanged = z.object({
  ...actBase,
  service: z.string().max(64),
  settings: z.record(z.string().regex(/^[a-z][a-z0-9.-]{0,63}$/), z.string().max(2_000)),
})

/** `heed.journal.counted.v1`: how far the journal was at a moment: the number of its newest published batch, how many changes were published up to there, and which (`journalDigest`). */
export const journalCounted = z.object({
  ...actBase,
  position: z.int().nonnegative(),
  changes: z.int().nonnegative(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
})

/** `heed.checkpoint.signed.v1`: a checkpoint that the trail's log signed. Never taken back: a log that shows another root for this size, or fewer entries, was rewritten. */
export const checkpointSigned = z.object({
  origin: z.string().max(1_024),
  size: z.int().nonnegative(),
  rootHash: z.string().regex(/^[0-9a-f]{64}$/),
  /** The signed note (C2SP tlog-checkpoint). */
  note: z.string().max(100_000),
  at: time,
})

/** Every event type with its schema. The key is what the header `ce_type` says. */
export const eventSchemas = {
  'heed.preference.changed.v1': preferenceChanged,
  'heed.delivery.requested.v1': deliveryRequested,
  'heed.delivery.attempted.v1': deliveryAttempted,
  'heed.disclosure.made.v1': disclosureMade,
  'heed.link.made.v1': linkMade,
  'heed.link.used.v1': linkUsed,
  'heed.identifiers.linked.v1': identifiersLinked,
  'heed.subject.erased.v1': subjectErased,
  'heed.suppressions.imported.v1': suppressionsImported,
  'heed.disclosure.reported.v1': disclosureReported,
  'heed.operator.acted.v1': operatorActed,
  'heed.policy.loaded.v1': policyLoaded,
  'heed.recipient.paused.v1': recipientPaused,
  'heed.delivery.resolved.v1': deliveryResolved,
  'heed.job.reported.v1': jobReported,
  'heed.record.unreadable.v1': recordUnreadable,
  'heed.configuration.changed.v1': configurationChanged,
  'heed.journal.counted.v1': journalCounted,
  'heed.checkpoint.signed.v1': checkpointSigned,
} as const

/** The name of an event type. */
export type EventType = keyof typeof eventSchemas

/** The value of an event of a type. */
export type EventData<Type extends EventType> = z.output<(typeof eventSchemas)[Type]>

/** An event of any type, told apart by `type`. */
export type AnyEvent = { [Type in EventType]: { readonly type: Type; readonly data: EventData<Type> } }[EventType]

/** An event that becomes an entry of the trail: every one but those that the trail itself tells. */
export type TrailEvent = Exclude<AnyEvent, { readonly type: 'heed.checkpoint.signed.v1' | 'heed.job.reported.v1' }>

/** The event types of `heed.acts.v1`. */
export type ActType =
  | 'heed.disclosure.made.v1'
  | 'heed.link.made.v1'
  | 'heed.link.used.v1'
  | 'heed.identifiers.linked.v1'
  | 'heed.subject.erased.v1'
  | 'heed.suppressions.imported.v1'
  | 'heed.disclosure.reported.v1'
  | 'heed.operator.acted.v1'
  | 'heed.policy.loaded.v1'
  | 'heed.configuration.changed.v1'
  | 'heed.journal.counted.v1'
