import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  aDelivery,
  aDescriptor,
  openRows,
  openWorkshop,
  type TestRows,
  type TestWorkshop,
  type TestWorkshopOptions,
} from '../testing.fixture.ts'

let opened: TestRows
const running: TestWorkshop[] = []
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())
beforeEach(async () => {
  for (const name of ['inbox', 'flights', 'batches', 'batchItems', 'recipients', 'dayCounts', 'leases']) {
    await opened.connection.collection(opened.database, name).deleteMany({})
  }
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})

async function open(options: Partial<TestWorkshopOptions>): Promise<TestWorkshop> {
  const workshop = await openWorkshop({ opened, ...options })
  running.push(workshop)
  return workshop
}
const people = (count: number, prefix = 'p') => Array.from({ length: count }, (_, index) => aDelivery(`${prefix}${index}`, 1))
const sizesOf = (test: TestWorkshop) => test.vendor.asserts.map(({ covers }) => covers.length)

describe('a recipient whose batches are collected', () => {
  const collected = { descriptor: aDescriptor({ batch: { maxTasks: 10, collectSeconds: 900 } }) }

  it('is told of a few when their time is over, and of a whole batch at once', async () => {
    const test = await open(collected)
    await test.take(...people(3))
    await test.settle()
    expect(sizesOf(test)).toEqual([])
    await test.take(...people(7, 'q'))
    await test.settle()
    expect(sizesOf(test)).toEqual([10])
    await test.take(...people(2, 'r'))
    // their change was accepted a minute ago
    await test.after(839)
    expect(sizesOf(test)).toEqual([10])
    await test.after(2)
    expect(sizesOf(test)).toEqual([10, 2])
  })

  it('is told at once of all the whole batches that come while a few are collected', async () => {
    const test = await open(collected)
    await test.take(...people(3))
    await test.settle()
    await test.take(...people(37, 'q'))
    await test.settle()
    expect(sizesOf(test)).toEqual([10, 10, 10, 10])
  })
})

describe('a recipient that takes few requests in a minute', () => {
  it('is told less often when most of them are spent, and never has to wait for an empty minute', async () => {
    const test = await open({
      descriptor: aDescriptor({ batch: { maxTasks: 100, inOneRequest: true }, rate: { concurrentRequests: 1, requestsPerMinute: 20 } }),
    })
    const begunAt: number[] = []
    test.vendor.script = () => {
      begunAt.push(test.clock.now())
      return undefined
    }
    for (let second = 0; second < 120; second += 1) {
      await test.take(aDelivery(`p${second}`, 1))
      await test.after(1)
    }
    const waits = begunAt.slice(1).map((at, index) => at - (begunAt[index] ?? at))
    // one in three seconds is what a minute of twenty allows
    expect(Math.max(...waits)).toBeLessThanOrEqual(12_000)
    expect(test.vendor.told.length).toBeGreaterThan(100)
  })
})
