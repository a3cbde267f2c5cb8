import type { Delivery } from '@heed/domain'
import { ManualClock } from '@heed/platform/clock'
import type { mongo } from 'mongoose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aDelivery, openRows, recipient, startTime, type TestRows } from '../testing.fixture.ts'
import { createInbox } from './inbox.ts'
import { createLine, heldRow } from './line.ts'
import type { InboxRow } from './row.ts'
import type { Settlement } from './settlement.ts'

let opened: TestRows
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())
beforeEach(async () => {
  await opened.rows.deleteMany({})
})

const clock = new ManualClock(startTime + 60_000)
const take = (...deliveries: Delivery[]) => createInbox(opened.rows, { clock, newerMayOvertake: () => false }).accept(deliveries)
const confirmed: Settlement = { state: 'confirmed', final: true, place: 'closed', failures: 'reset', unknown: false }

/** The rows, whose answers to a look come later than they were read. */
function slowRows(): { rows: mongo.Collection<InboxRow>; read: Promise<void>; answer(): void } {
  let reached: () => void = () => undefined
  let answer: () => void = () => undefined
  const read = new Promise<void>((resolve) => (reached = resolve))
  const answered = new Promise<void>((resolve) => (answer = resolve))
  const rows = new Proxy(opened.rows, {
    get: (target, name) => {
      if (name !== 'find') return Reflect.get(target, name).bind(target) as unknown
      return (...given: Parameters<typeof target.find>) => {
        const cursor = target.find(...given)
        const toArray = cursor.toArray.bind(cursor)
        cursor.toArray = async () => {
          const found = await toArray()
          reached()
          await answered
          return found
        }
        return cursor
      }
    },
  })
  return { rows, read, answer: () => answer() }
}

describe('the line', () => {
  it('gives opt-outs first, and in each lane the oldest', async () => {
    await take(aDelivery('a', 4, 'granted'), aDelivery('b', 3), aDelivery('c', 2, 'granted'), aDelivery('d', 1))
    const claim = await createLine(opened.rows, clock).claim(recipient(), 3)
    expect(claim.rows.map(({ version }) => version)).toEqual([1, 3, 2])
  })

  it('does not give a row once more that was settled while a look was on its way', async () => {
    await take(aDelivery('ada', 1))
    const [row] = await opened.rows.find().toArray()
    if (row === undefined) throw new Error('no row')
    const slow = slowRows()
    const line = createLine(slow.rows, clock)
    const looked = line.claim(recipient(), 10)
    await slow.read
    // another batch of this process had it, and is through before the answer is here
    await line.settle({ at: clock.now(), groups: [{ rows: [heldRow(row)], settlement: confirmed }] })
    line.release({ token: 'b', rows: [row] })
    slow.answer()
    expect((await looked).rows).toEqual([])
  })
})
