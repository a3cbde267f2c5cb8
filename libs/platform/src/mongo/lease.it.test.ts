import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { mongo } from 'mongoose'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { ManualClock, systemClock } from '../clock/index.ts'
import type { RunningPart } from '../lifecycle/index.ts'
import { silentLogger } from '../log/index.ts'
import { connectMongo, type Lease, type LeaseRow, leadership, lease, type MongoConnection } from './index.ts'

describe('a lease', () => {
  const database = `platform_lease_${randomBytes(6).toString('hex')}`
  let connection: MongoConnection
  let collection: mongo.Collection<LeaseRow>
  const running: RunningPart[] = []
  let latestName = ''

  beforeAll(async () => {
    connection = await connectMongo({ uri: inject('mongoUri'), appName: 'platform-test', log: silentLogger })
    collection = connection.collection<LeaseRow>(database, 'leases')
  })
  afterAll(async () => {
    await connection.database(database).dropDatabase()
    await connection.stop()
  })
  afterEach(async () => {
    for (const part of running.splice(0)) await part.stop()
  })

  const fresh = () => randomBytes(6).toString('hex')
  const holders = (ttlMs: number, count = 2): Lease[] => {
    latestName = fresh()
    const name = latestName
    return Array.from({ length: count }, (_, n) => lease({ collection, name, holder: `holder-${n}`, ttlMs, clock: systemClock }))
  }
  const pair = (ttlMs: number): [Lease, Lease] => {
    const [one, two] = holders(ttlMs)
    if (one === undefined || two === undefined) throw new Error('two holders')
    return [one, two]
  }
  /** The server's clock decides; it is moved by writing the row. */
  const runOut = () => collection.updateOne({ _id: latestName }, { $set: { expiresAt: new Date(0) } })

  it('is held by one only', async () => {
    const [one, two] = pair(60_000)
    expect(await one.acquire()).toBe(1)
    expect(await two.acquire()).toBeUndefined()
    expect([one.isHeld(), two.isHeld()]).toEqual([true, false])
  })

  it('goes to exactly one of many who ask at the same moment', async () => {
    const many = holders(60_000, 20)
    const fences = await Promise.all(many.map((one) => one.acquire()))
    expect(fences.filter((fence) => fence !== undefined)).toEqual([1])
  })

  it('passes to the next when it ran out, with a higher fence, and the first cannot renew it', async () => {
    const [one, two] = pair(60_000)
    await one.acquire()
    await runOut()
    expect(await two.acquire()).toBe(2)
    expect(await one.renew()).toBe(false)
    expect(one.isHeld()).toBe(false)
    expect(await two.renew()).toBe(true)
    expect(two.fence).toBe(2)
  })

  it('has a higher fence also when the same holder takes it again after it ran out', async () => {
    const [one] = pair(60_000)
    await one.acquire()
    expect(await one.acquire()).toBe(1)
    await runOut()
    expect(await one.acquire()).toBe(2)
  })

  it('keeps out the write of a holder that lost it without noticing', async () => {
    const [one, two] = pair(60_000)
    const state = connection.collection<{ _id: string; fence: number; by: string }>(database, fresh())
    await state.insertOne({ _id: 'x', fence: 0, by: 'nobody' })
    const write = (by: string, fence: number | undefined) =>
      state.updateOne({ _id: 'x', fence: { $lte: fence ?? -1 } }, { $set: { by, fence: fence ?? -1 } })
    await one.acquire()
    const stale = one.fence
    await write('one', stale)
    await runOut()
    await two.acquire()
    await write('two', two.fence)
    expect((await write('one', stale)).modifiedCount).toBe(0)
    expect(await state.findOne({ _id: 'x' })).toMatchObject({ by: 'two', fence: 2 })
  })

  it('is free at once when released, and a release by one who lost it takes it from nobody', async () => {
    const [one, two] = pair(60_000)
    await one.acquire()
    await one.release()
    expect(await two.acquire()).toBe(2)
    await one.release()
    expect(await two.renew()).toBe(true)
  })

  it('does not count as held longer than it was asked for, judged without asking', async () => {
    const clock = new ManualClock(1_000)
    const one = lease({ collection, name: fresh(), holder: 'h', ttlMs: 5_000, clock })
    await one.acquire()
    expect(one.isHeld()).toBe(true)
    await clock.advance(5_000)
    expect(one.isHeld()).toBe(false)
  })

  it('runs out by itself', async () => {
    const [one, two] = pair(200)
    await one.acquire()
    await expect.poll(() => two.acquire(), { timeout: 5_000 }).toBe(2)
  })

  describe('leadership', () => {
    function member(name: string, holder: string, events: string[], ttlMs = 600) {
      const own = lease({ collection, name, holder, ttlMs, clock: systemClock })
      const part = leadership({
        name,
        lease: own,
        ttlMs,
        log: silentLogger,
        clock: systemClock,
        lead: async (signal, fence) => {
          events.push(`${holder} leads ${fence}`)
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
          events.push(`${holder} ends`)
        },
      })
      return part
    }

    it('has one leader, and hands over when it stops', async () => {
      const name = fresh()
      const events: string[] = []
      const first = await member(name, 'a', events).start()
      await expect.poll(() => events).toEqual(['a leads 1'])
      running.push(await member(name, 'b', events).start())
      // Longer than the lease: it is renewed.
      await pause(1_000)
      expect(events).toEqual(['a leads 1'])
      await first.stop()
      await expect.poll(() => events, { timeout: 5_000 }).toEqual(['a leads 1', 'a ends', 'b leads 2'])
    })

    it('ends the work of a leader whose lease was taken', async () => {
      const name = fresh()
      const events: string[] = []
      running.push(await member(name, 'a', events).start())
      await expect.poll(() => events).toEqual(['a leads 1'])
      await collection.updateOne({ _id: name }, { $set: { holder: 'thief', expiresAt: new Date(Date.now() + 60_000) } })
      await expect.poll(() => events, { timeout: 5_000 }).toEqual(['a leads 1', 'a ends'])
    })

    it('leads again after its work failed', async () => {
      const name = fresh()
      let terms = 0
      const part = leadership({
        name,
        lease: lease({ collection, name, holder: 'a', ttlMs: 300, clock: systemClock }),
        ttlMs: 300,
        log: silentLogger,
        clock: systemClock,
        lead: async () => {
          terms += 1
          throw new Error('no')
        },
      })
      running.push(await part.start())
      await expect.poll(() => terms, { timeout: 5_000 }).toBeGreaterThan(1)
    })
  })
})

describe('a connection', () => {
  it('says what it is connected to, and that nobody answers', async () => {
    const connection = await connectMongo({ uri: inject('mongoUri'), appName: 'platform-test', log: silentLogger })
    expect(await connection.health()).toEqual({ name: 'mongo', ok: true })
    await connection.stop()
    expect(await connection.health()).toMatchObject({ ok: false })
    const away = connectMongo({
      uri: 'mongodb://root:hunter2@127.0.0.1:1/',
      appName: 'x',
      log: silentLogger,
      serverSelectionTimeoutMs: 200,
    })
    await expect(away).rejects.toMatchObject({ reason: 'mongo.connect-failed' })
    await expect(away).rejects.not.toThrow('hunter2')
  })
})
