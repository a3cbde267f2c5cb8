import type { DeliveryState, Outcome, ReasonCode } from './delivery.ts'

/** Which place of an asserted state comes first: the version, then the time at which it was asked for again. */
export interface Place {
  readonly version: number
  readonly assertion: number
}

/** Whether `a` comes after `b`: a higher version, or the same version asserted later. Equal places do not supersede each other. */
export function supersedes(a: Place, b: Place): boolean {
  return a.version !== b.version ? a.version > b.version : a.assertion > b.assertion
}

/** Of two, the one to keep; the first where neither supersedes the other. Any order and any repetition of arrivals keeps the same one. */
export function newest<T extends Place>(held: T | undefined, arriving: T): T {
  return held === undefined || supersedes(arriving, held) ? arriving : held
}

/** Whose fault a reason is: of that item, of the recipient as a whole, of an unnamed item of the batch; `closed` ends the duty. */
export type FailureStage = 'item' | 'recipient' | 'batch' | 'closed'

/** The stage that a reason code belongs to: its first level decides. */
export function recipientStage(reason: ReasonCode): FailureStage {
  const who = reason.slice(0, reason.indexOf('.'))
  switch (who) {
    case 'item':
      return 'item'
    case 'batch':
      return 'batch'
    case 'not-applicable':
      return 'closed'
    default:
      // an unknown first level is treated as the recipient's fault: it waits, and nothing is rejected for it
      return 'recipient'
  }
}

/** The state that an outcome by itself speaks for; `pending` where it changes nothing. */
function stateOf(outcome: Outcome): DeliveryState {
  switch (outcome.kind) {
    case 'confirmed':
      return 'confirmed'
    case 'verified':
      return 'verified'
    case 'accepted':
      return 'accepted'
    case 'notApplicable':
      return 'not_applicable'
    case 'superseded':
      return 'superseded'
    case 'resolved':
      return 'resolved'
    case 'deferred':
      return 'pending'
    case 'rejected': {
      const stage = recipientStage(outcome.reason)
      if (stage === 'item') return 'needs_person'
      return stage === 'closed' ? 'not_applicable' : 'pending'
    }
    default:
      return outcome satisfies never
  }
}

// Later in this list wins, whatever came first: what the vendor is known to hold says more than how a duty was closed, and every end says more than waiting.
const precedence: readonly DeliveryState[] = [
  'pending',
  'accepted',
  'needs_person',
  'superseded',
  'not_applicable',
  'resolved',
  'confirmed',
  'verified',
]

function later(a: DeliveryState, b: DeliveryState): DeliveryState {
  return precedence.indexOf(b) > precedence.indexOf(a) ? b : a
}

/**
 * The state after an outcome. Any order and any repetition of the same outcomes ends in the same state, because the state only moves up a fixed precedence:
 * pending, accepted, needs_person, superseded, not_applicable, resolved, confirmed, verified.
 * It knows one assertion and no `final`; keep a `Standing` where deliveries are repeated.
 */
export function nextState(state: DeliveryState, outcome: Outcome): DeliveryState {
  return later(state, stateOf(outcome))
}

/** Where a delivery stands: in which assertion, in which state, and whether an `accepted` there is all that the vendor will ever say. */
export interface Standing {
  readonly assertion: number
  readonly state: DeliveryState
  /** True once the vendor took it and its contract never says more. */
  readonly final: boolean
}

/** Where a delivery stands when it has just been asked for. */
export function newStanding(assertion = 0): Standing {
  return { assertion, state: 'pending', final: false }
}

/**
 * Where a delivery stands after a repeat was asked for (no outcome) or an outcome came in. A later assertion starts anew and an earlier one changes nothing, so
 * any order and any repetition of the same events ends in the same standing. A final `accepted` outranks `needs_person`: the vendor has taken it after all.
 */
export function nextStanding(standing: Standing, event: { readonly assertion: number; readonly outcome?: Outcome }): Standing {
  if (event.assertion < standing.assertion) return standing
  const from = event.assertion > standing.assertion ? newStanding(event.assertion) : standing
  if (event.outcome === undefined) return from
  const final = from.final || (event.outcome.kind === 'accepted' && event.outcome.final)
  const state = nextState(from.state, event.outcome)
  return { assertion: from.assertion, state: final && state === 'needs_person' ? 'accepted' : state, final }
}

/** Whether the duty has ended. `accepted` ends it only where that is the vendor's last word (`final`). */
export function isSettled(state: DeliveryState, final: boolean): boolean {
  switch (state) {
    case 'pending':
    case 'needs_person':
      return false
    case 'accepted':
      return final
    case 'confirmed':
    case 'verified':
    case 'superseded':
    case 'not_applicable':
    case 'resolved':
      return true
    default:
      return state satisfies never
  }
}
