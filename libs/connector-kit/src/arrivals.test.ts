import type { Delivery } from '@heed/domain'
import { describe, expect, it } from 'vitest'
import { createArrivals } from './arrivals.ts'
import type { Accepted, Inbox } from './inbox/inbox.ts'
import { aDelivery, recipient } from './testing.fixture.ts'

const of = (id: string): Delivery => ({ ...aDelivery('ada', 1), recipientId: recipient(id) })

/** An inbox that keeps what it was given, and refuses whatever has the recipient `odd` in it. */
function inboxThatRefuses(odd?: string) {
  const writes: string[][] = []
  const inbox: Inbox = {
    accept: async (deliveries) => {
      const ids = deliveries.map((delivery) => delivery.recipientId)
      writes.push(ids)
      if (odd !== undefined && ids.includes(recipient(odd))) throw new Error('refused')
      return new Map(ids.map((id): [typeof id, Accepted] => [id, { wanted: 1, superseded: 0, repeated: 0, added: [] }]))
    },
  }
  return { inbox, writes }
}

describe('arrivals', () => {
  it('of several recipients are one write, and each is told of its own', async () => {
    const { inbox, writes } = inboxThatRefuses()
    const told: string[] = []
    const arrive = createArrivals(inbox, (id, { wanted }) => told.push(`${id} ${wanted}`))
    await Promise.all(['a', 'b', 'c'].map((id) => arrive([of(id)])))
    expect(writes).toEqual([['a', 'b', 'c']])
    expect(told).toEqual(['a 1', 'b 1', 'c 1'])
  })

  it('that are refused for one recipient hold up no other', async () => {
    const { inbox } = inboxThatRefuses('b')
    const told: string[] = []
    const arrive = createArrivals(inbox, (id) => told.push(id))
    const ends = await Promise.allSettled(['a', 'b', 'c'].map((id) => arrive([of(id)])))
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(told.sort()).toEqual(['a', 'c'])
    await expect(arrive([of('b')])).rejects.toThrow('refused')
  })
})
