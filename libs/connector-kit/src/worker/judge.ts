import { type Outcome, type ReasonCode, recipientStage, type WaitReason } from '@heed/domain'
import { backoffMs } from '../account/backoff.ts'
import type { Descriptor } from '../contract.ts'
import type { Settlement } from '../inbox/settlement.ts'

/** What is known about a delivery when its requests are through. */
export type Finding =
  /** Nothing of it was sent. */
  | { readonly kind: 'untried'; readonly waitReason: WaitReason }
  /** The least settled of what was said. */
  | { readonly kind: 'said'; readonly outcome: Outcome; readonly durationMs: number; readonly among: number }
  /** A request of it has no answer, or an answer that does not speak of it. */
  | { readonly kind: 'unanswered'; readonly reason: ReasonCode; readonly sent: boolean; readonly durationMs: number }
  /** A job goes on. */
  | { readonly kind: 'followed'; readonly batchId: string; readonly receipt: string | undefined; readonly durationMs: number }

/** What a judgement depends on beside the finding. */
export interface Circumstances {
  readonly descriptor: Descriptor
  readonly now: number
  /** In [0, 1); one for a whole batch, so that rows of one fate stay together. */
  readonly random: number
  /** Failures of this row in a row, before this one. */
  readonly failures: number
  /** Why the recipient as a whole waits, where it does. */
  readonly trouble: WaitReason | undefined
  /** Names the part of a refused batch that a row is to be sent with. */
  readonly part: string | undefined
  /** What tells this outcome apart from others of the same attempt. */
  readonly step: string
  /** Whether this row is to be read back. */
  readonly sampled: boolean
  /** Whether a newer wish has to wait for the job of this one. */
  readonly holds: boolean
}

/** So many failures in a row of an item that was refused alone, and a person has to look. */
const itemTries = 3

const isRate = (reason: ReasonCode) => /rate|quota|throttl|too-many/.test(reason)

/** Why an open row waits after its recipient failed. */
function waitReasonOf(reason: ReasonCode, trouble: WaitReason | undefined): WaitReason {
  if (reason.startsWith('auth.') || reason.startsWith('configuration.')) return 'auth_failed'
  if (trouble === 'breaker_open' || trouble === 'auth_failed') return trouble
  return isRate(reason) ? 'rate_limited' : 'recipient_unavailable'
}

function closed(outcome: Outcome, state: Settlement['state'], final: boolean, step: string, durationMs: number): Settlement {
  return { state, final, place: 'closed', failures: 'reset', unknown: false, entry: { step, outcome, durationMs } }
}

/** A row that waits for a person. */
export function parked(outcome: Outcome, step: string, durationMs: number): Settlement {
  return {
    state: 'needs_person',
    final: false,
    place: 'parked',
    waitReason: 'needs_person',
    failures: 'count',
    unknown: false,
    entry: { step, outcome, durationMs },
  }
}

function judgeDeferred(reason: ReasonCode, retryAfterSeconds: number | undefined, durationMs: number, c: Circumstances): Settlement {
  const waitReason = waitReasonOf(reason, c.trouble)
  // A rate limit is the account's: it holds all rows back alike, and this one keeps its place in line.
  const held = isRate(reason) && recipientStage(reason) === 'recipient' && c.trouble !== undefined
  const waitMs = retryAfterSeconds === undefined ? backoffMs(c.descriptor, c.failures + 1, c.random) : retryAfterSeconds * 1000
  const dueAt = held ? undefined : c.now + Math.round(waitMs)
  const outcome: Outcome = { kind: 'deferred', reason, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }
  return {
    state: 'pending',
    final: false,
    place: 'queue',
    ...(dueAt === undefined ? {} : { dueAt }),
    waitReason,
    failures: 'count',
    unknown: 'keep',
    entry: { step: c.step, outcome, durationMs, ...(dueAt === undefined ? {} : { nextTryAt: dueAt }) },
  }
}

function judgeRefusedBatch(reason: ReasonCode, among: number, durationMs: number, c: Circumstances): Settlement {
  // Alone, it was the bad item.
  if (among <= 1 || c.part === undefined) {
    return parked({ kind: 'rejected', reason: `item.${reason.slice('batch.'.length)}` }, c.step, durationMs)
  }
  // Nothing is known of this item yet: no outcome, no failure, and its half is sent at once.
  return {
    state: 'pending',
    final: false,
    place: 'queue',
    waitReason: 'waiting_turn',
    failures: 'keep',
    unknown: 'keep',
    part: c.part,
    untried: true,
  }
}

/** What becomes of a row. A pure function of what was found. */
export function judge(finding: Finding, c: Circumstances): Settlement {
  switch (finding.kind) {
    case 'untried':
      return {
        state: 'pending',
        final: false,
        place: 'queue',
        waitReason: finding.waitReason,
        failures: 'keep',
        unknown: 'keep',
        untried: true,
      }
    case 'followed': {
      const { batchId, receipt, durationMs } = finding
      const outcome: Outcome = { kind: 'accepted', final: false, ...(receipt === undefined ? {} : { receipt }) }
      return {
        state: 'accepted',
        final: false,
        place: 'followed',
        waitReason: 'awaiting_confirmation',
        failures: 'reset',
        unknown: 'keep',
        follow: batchId,
        holds: c.holds,
        entry: { step: c.step, outcome, durationMs },
      }
    }
    case 'unanswered': {
      const { reason, sent, durationMs } = finding
      const backedOff = c.now + backoffMs(c.descriptor, c.failures + 1, c.random)
      const quietUntil = sent ? c.now + c.descriptor.quietAfterUnknownSeconds * 1000 : undefined
      const dueAt = Math.max(backedOff, quietUntil ?? 0)
      return {
        state: 'pending',
        final: false,
        place: 'queue',
        dueAt,
        waitReason: sent ? 'unknown_outcome' : waitReasonOf(reason, c.trouble),
        failures: 'count',
        unknown: sent ? true : 'keep',
        ...(quietUntil === undefined ? {} : { quietUntil }),
        entry: { step: c.step, outcome: { kind: 'deferred', reason }, durationMs, nextTryAt: dueAt },
      }
    }
    case 'said':
      return judgeSaid(finding.outcome, finding.durationMs, finding.among, c)
    default:
      return finding satisfies never
  }
}

function judgeSaid(outcome: Outcome, durationMs: number, among: number, c: Circumstances): Settlement {
  switch (outcome.kind) {
    case 'confirmed': {
      const settled = closed(outcome, 'confirmed', true, c.step, durationMs)
      if (!c.sampled || c.descriptor.readBack === undefined) return settled
      return { ...settled, place: 'read-back', dueAt: c.now + c.descriptor.readBack.afterSeconds * 1000 }
    }
    case 'accepted':
      // Without a job nobody will ever say more.
      return closed({ ...outcome, final: true }, 'accepted', true, c.step, durationMs)
    case 'notApplicable':
      return closed(outcome, 'not_applicable', true, c.step, durationMs)
    case 'deferred':
    case 'rejected': {
      const stage = recipientStage(outcome.reason)
      if (stage === 'batch') return judgeRefusedBatch(outcome.reason, among, durationMs, c)
      if (stage === 'closed') return closed({ kind: 'notApplicable', reason: outcome.reason }, 'not_applicable', true, c.step, durationMs)
      if (stage === 'item' && outcome.kind === 'rejected') return parked(outcome, c.step, durationMs)
      if (stage === 'item' && c.failures + 1 >= itemTries) return parked({ kind: 'rejected', reason: outcome.reason }, c.step, durationMs)
      // nothing is rejected for a fault that is not the item's
      return judgeDeferred(outcome.reason, outcome.kind === 'deferred' ? outcome.retryAfterSeconds : undefined, durationMs, c)
    }
    case 'verified':
    case 'superseded':
    case 'resolved':
      return judge({ kind: 'unanswered', reason: 'unavailable.incomplete-answer', sent: true, durationMs }, c)
    default:
      return outcome satisfies never
  }
}
