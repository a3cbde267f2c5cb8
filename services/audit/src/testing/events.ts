import type { EventData, TrailEvent } from '@heed/contracts'
import {
  type ChangeId,
  changeIdOf,
  type DeliveryId,
  deliveryIdOf,
  type Outcome,
  type PurposeKey,
  parseRecipientId,
  type RecipientId,
  type SubjectId,
  subjectIdOf,
  type WaitReason,
} from '@heed/domain'
import { entryOf } from '@heed/trail'
import fc from 'fast-check'
import type { Arrival } from '../arrivals.ts'

/** Builders of the events that audit listens to. */

/** 2026-03-01T09:30:00Z: when built changes are accepted. */
export const exampleTime = Date.UTC(2026, 2, 1, 9, 30)

/** Always the same subject for the same number. */
export function subject(number: number): SubjectId {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setUint32(12, number)
  return subjectIdOf(bytes)
}

/** The recipient of that name. */
export function recipient(name: string): RecipientId {
  const id = parseRecipientId(name)
  if (id === undefined) throw new RangeError(`${name} is no recipient id`)
  return id
}

/** Which delivery is meant. */
export interface Duty {
  readonly recipientId: RecipientId
  readonly subjectId: SubjectId
  readonly version: number
}

const marketing = 'email-marketing' as PurposeKey

function names(duty: Duty): { deliveryId: DeliveryId } & Duty {
  return { deliveryId: deliveryIdOf(duty.recipientId, duty.subjectId, duty.version), ...duty }
}

/** An accepted change that denies email marketing. */
export function accepted(subjectId: SubjectId, version: number, policyVersion = 'p1'): TrailEvent {
  const data: EventData<'heed.preference.changed.v1'> = {
    changeId: changeIdOf(subjectId, version),
    subjectId,
    version,
    cause: 'choice',
    choices: { [marketing]: { choice: 'denied', version, at: exampleTime + version * 1_000 } },
    changed: [marketing],
    linked: [],
    origin: { kind: 'person', caller: 'accounts' },
    policyVersion,
    acceptedAt: exampleTime + version * 1_000,
  }
  return { type: 'heed.preference.changed.v1', data }
}

/** What propagation asks for. `assertion` 0 is the change's own delivery. */
export function requested(duty: Duty, assertion = 0, deadlineMs = 86_400_000): TrailEvent {
  const acceptedAt = exampleTime + duty.version * 1_000
  const data: EventData<'heed.delivery.requested.v1'> = {
    ...names(duty),
    assertion,
    kind: 'preference',
    wanted: { [marketing]: 'denied' },
    changed: assertion === 0 ? [marketing] : [],
    evidence: {},
    changeId: changeIdOf(duty.subjectId, duty.version) as ChangeId,
    policyVersion: 'p1',
    acceptedAt,
    deadlineAt: Math.max(acceptedAt, assertion) + deadlineMs,
  }
  return { type: 'heed.delivery.requested.v1', data }
}

/** What an attempt came to. */
export function attempted(
  duty: Duty,
  outcome: Outcome,
  options: { assertion?: number; attempt?: number; step?: number; at?: number; wait?: WaitReason; nextTryAt?: number } = {},
): TrailEvent {
  const { assertion = 0, attempt = 1, step = 1, at = exampleTime + 60_000, wait, nextTryAt } = options
  const named = names(duty)
  const data: EventData<'heed.delivery.attempted.v1'> = {
    ...named,
    assertion,
    outcomeId: `${named.deliveryId}#${assertion}.${attempt}.${step}`,
    attempt,
    outcome: outcome as EventData<'heed.delivery.attempted.v1'>['outcome'],
    ...(wait === undefined ? {} : { waitReason: wait }),
    ...(nextTryAt === undefined ? {} : { nextTryAt }),
    at,
    durationMs: 12,
  }
  return { type: 'heed.delivery.attempted.v1', data }
}

/** A named person's word. */
export function resolved(duty: Duty, at: number, by = 'privacy-officer', why = 'removed by hand'): TrailEvent {
  return { type: 'heed.delivery.resolved.v1', data: { ...names(duty), by, why, at } }
}

/** An operator's word about a recipient. */
export function paused(recipientId: RecipientId, isPaused: boolean, at: number): TrailEvent {
  return { type: 'heed.recipient.paused.v1', data: { recipientId, paused: isPaused, by: 'ops', reason: 'maintenance', at } }
}

/** The event with its entry. */
export function arrival(event: TrailEvent): Arrival {
  return { event, entry: entryOf(event, exampleTime) }
}

const outcomes: fc.Arbitrary<Outcome> = fc.constantFrom<Outcome>(
  { kind: 'confirmed' },
  { kind: 'verified' },
  { kind: 'accepted', final: true },
  { kind: 'accepted', final: false },
  { kind: 'deferred', reason: 'unavailable.rate-limited', retryAfterSeconds: 30 },
  { kind: 'rejected', reason: 'item.refused' },
  { kind: 'notApplicable', reason: 'not-applicable.no-identifier' },
  { kind: 'superseded', by: 9 },
)

const assertions = fc.constantFrom(0, exampleTime + 100_000, exampleTime + 200_000)
const minutes = fc.integer({ min: 1, max: 9 }).map((minute) => exampleTime + minute * 30_000)

/** Everything that may be heard about a few duties that supersede each other: each event once, some of them contradicting each other. */
export const whatHappened: fc.Arbitrary<TrailEvent[]> = fc
  .array(
    fc.record({
      duty: fc.record({
        recipientId: fc.constantFrom(recipient('mailchimp'), recipient('google-ads')),
        subjectId: fc.constantFrom(subject(1), subject(2)),
        version: fc.integer({ min: 1, max: 4 }),
      }),
      requests: fc.uniqueArray(assertions, { maxLength: 3 }),
      attempts: fc.array(
        fc.record({
          outcome: outcomes,
          assertion: assertions,
          at: minutes,
          wait: fc.constantFrom<WaitReason>('rate_limited', 'unknown_outcome'),
        }),
        { maxLength: 4 },
      ),
      resolvedAt: fc.option(minutes, { nil: undefined }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((duties) => {
    const events = new Map<string, TrailEvent>()
    const add = (event: TrailEvent) => {
      const { entryId } = entryOf(event, exampleTime)
      if (!events.has(entryId)) events.set(entryId, event)
    }
    for (const { duty, requests, attempts, resolvedAt } of duties) {
      add(accepted(duty.subjectId, duty.version))
      for (const assertion of requests) add(requested(duty, assertion))
      for (const [index, { outcome, assertion, at, wait }] of attempts.entries()) {
        const waits = outcome.kind === 'deferred' ? { wait } : {}
        add(attempted(duty, outcome, { assertion, attempt: index + 1, at, ...waits }))
      }
      if (resolvedAt !== undefined) add(resolved(duty, resolvedAt))
    }
    return [...events.values()]
  })

/** The same things, told in another order, some of them again. */
export function toldAnyhow(events: readonly TrailEvent[]): fc.Arbitrary<TrailEvent[]> {
  return fc
    .tuple(fc.shuffledSubarray([...events], { minLength: events.length }), fc.subarray([...events]))
    .chain(([all, again]) => fc.shuffledSubarray([...all, ...again], { minLength: all.length + again.length }))
}
