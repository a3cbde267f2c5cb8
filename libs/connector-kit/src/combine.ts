import type { DeliveryId, Outcome } from '@heed/domain'

// Of several outcomes of one delivery the one that says least for it stands: two audiences are not done when one is. What is to be tried again goes before what
// was refused: a refused one awaits a person, and the other audience would wait with it.
function rank(outcome: Outcome): number {
  switch (outcome.kind) {
    case 'deferred':
      return 0
    case 'rejected':
      return 1
    case 'accepted':
      return outcome.final ? 3 : 2
    case 'confirmed':
      return 4
    case 'verified':
      return 5
    case 'notApplicable':
      return 6
    case 'superseded':
    case 'resolved':
      return 7
    default:
      return outcome satisfies never
  }
}

/** The least settled of two outcomes of one delivery: deferred before rejected before accepted before confirmed before not applicable. Of equal ones the first. */
export function leastSettled(a: Outcome, b: Outcome): Outcome {
  if (a.kind === 'deferred' && b.kind === 'deferred') {
    const retryAfterSeconds = Math.max(a.retryAfterSeconds ?? 0, b.retryAfterSeconds ?? 0)
    return retryAfterSeconds > (a.retryAfterSeconds ?? 0) ? { ...a, retryAfterSeconds } : a
  }
  return rank(b) < rank(a) ? b : a
}

/** One outcome for each delivery that has any, in the order of first mention. */
export function combineOutcomes(
  outcomes: readonly { readonly deliveryId: DeliveryId; readonly outcome: Outcome }[],
): Map<DeliveryId, Outcome> {
  const combined = new Map<DeliveryId, Outcome>()
  for (const { deliveryId, outcome } of outcomes) {
    const known = combined.get(deliveryId)
    combined.set(deliveryId, known === undefined ? outcome : leastSettled(known, outcome))
  }
  return combined
}
