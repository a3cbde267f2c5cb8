import type { Delivery, RecipientId } from '@heed/domain'
import { shared } from '@heed/platform/lifecycle'
import type { Accepted, Inbox } from './inbox/inbox.ts'

// A change arrives at all recipients of a kind within some milliseconds, and writing it for five of them costs little more than for one.
const lingerMs = 25

/**
 * Takes in deliveries of all recipients of a kind, those that arrive at nearly the same time in one write. Resolves when they are stored; where the database refuses
 * them together, those of each call are tried by themselves, so that what is wrong with one holds up no other.
 */
export function createArrivals(
  inbox: Inbox,
  accepted: (recipientId: RecipientId, news: Accepted) => void,
): (deliveries: readonly Delivery[]) => Promise<void> {
  const take = async (deliveries: readonly Delivery[]) => {
    for (const [recipientId, news] of await inbox.accept(deliveries)) accepted(recipientId, news)
  }
  const together = shared(async (calls: readonly { readonly deliveries: readonly Delivery[]; alone: boolean }[]) => {
    try {
      await take(calls.flatMap(({ deliveries }) => deliveries))
    } catch (thrown) {
      if (calls.length === 1) throw thrown
      for (const call of calls) call.alone = true
    }
  }, lingerMs)
  return async (deliveries) => {
    const call = { deliveries, alone: false }
    await together(call)
    if (call.alone) await take(deliveries)
  }
}
