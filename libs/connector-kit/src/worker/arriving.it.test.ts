import type { mongo } from 'mongoose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { aDelivery, openRows, openWorkshop, recipient, startTime, subject, type TestRows, type TestWorkshop } from '../testing.fixture.ts'

let opened: TestRows
let test: TestWorkshop
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())
afterEach(() => test.stop())

/** The inbox's collection, whose looks are counted, and where the answer to the next write can be held back. */
function watched(rows: mongo.Collection<mongo.Document>) {
  let looks = 0
  let gate: Promise<void> | undefined
  const collection = new Proxy(rows, {
    get(target, name) {
      if (name === 'find') {
        looks += 1
        return target.find.bind(target)
      }
      if (name !== 'bulkWrite') return Reflect.get(target, name, target)
      return async (...write: Parameters<typeof target.bulkWrite>) => {
        const held = gate
        gate = undefined
        const result = await target.bulkWrite(...write)
        await held
        return result
      }
    },
  })
  return {
    collection,
    looks: () => looks,
    hold: () => {
      let letGo: () => void = () => undefined
      gate = new Promise((resolve) => {
        letGo = resolve
      })
      return () => letGo()
    },
  }
}

async function open() {
  const inbox = watched(opened.connection.collection(opened.database, 'inbox'))
  const collection = (_: string, name: string) =>
    name === 'inbox' ? inbox.collection : opened.connection.collection(opened.database, name)
  test = await openWorkshop({ opened, mongo: { ...opened.connection, collection: collection as typeof opened.connection.collection } })
  return inbox
}

describe('what has just come in', () => {
  it('is told without a look for it', async () => {
    const inbox = await open()
    await test.take(aDelivery('ada', 1))
    await test.settle()
    const before = inbox.looks()
    await test.take(aDelivery('bob', 1), aDelivery('cyd', 1))
    await expect.poll(() => test.vendor.told.length).toBe(3)
    expect(inbox.looks() - before).toBe(0)
  })

  it('is told once, where a look has found it before its writer knew that it is stored', async () => {
    const inbox = await open()
    const letGo = inbox.hold()
    const taken = test.take(aDelivery('dan', 1))
    await expect.poll(() => opened.rows.countDocuments({ subjectId: subject('dan') })).toBe(1)
    await test.workshop.controls.pausedOrResumed({ recipientId: recipient(), paused: false, by: 'ops', reason: 'a look', at: startTime })
    await test.settle()
    expect(test.vendor.told.length).toBe(1)
    letGo()
    await taken
    await test.settle()
    expect(test.vendor.told.length).toBe(1)
  })
})
