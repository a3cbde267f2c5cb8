import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { ManualClock } from '../clock/index.ts'
import { silentLogger } from '../log/index.ts'
import { connectMongo, type MongoConnection } from '../mongo/index.ts'
import { type CallerAdministration, CallerError, type CallerRow, hashKey, keyMatches, mongoCallers } from './index.ts'

describe('callers in MongoDB', () => {
  const database = `platform_callers_${Math.random().toString(36).slice(2)}`
  let mongo: MongoConnection
  let callers: CallerAdministration
  let clock: ManualClock

  beforeAll(async () => {
    mongo = await connectMongo({ uri: inject('mongoUri'), appName: 'platform-test', log: silentLogger })
  })
  afterAll(async () => {
    await mongo.database(database).dropDatabase()
    await mongo.stop()
  })
  beforeEach(async () => {
    const collection = mongo.collection<CallerRow>(database, 'callers')
    await collection.deleteMany({})
    clock = new ManualClock(1_000_000)
    callers = mongoCallers(collection, clock)
  })

  const accepts = async (id: string, key: string): Promise<boolean> => {
    const now = clock.now()
    const stored = await callers.find(id)
    return (
      stored?.keys.some(({ hash, validUntil }) => keyMatches(hashKey(key), hash) && (validUntil === undefined || now < validUntil)) ?? false
    )
  }

  it('keeps what was added, and of the key only its hash', async () => {
    const { key } = await callers.addCaller({ id: 'shop', scopes: ['preferences:write'], ratePerSecond: 5 })
    expect(await callers.find('shop')).toMatchObject({ id: 'shop', scopes: ['preferences:write'], ratePerSecond: 5, createdAt: 1_000_000 })
    expect(await accepts('shop', key)).toBe(true)
    const row = await mongo.collection(database, 'callers').findOne({})
    expect(JSON.stringify(row)).not.toContain(key.split('_').at(-1))
  })

  it('knows nobody else', async () => {
    expect(await callers.find('nobody')).toBeUndefined()
    await expect(callers.rotateCaller('nobody', 0)).rejects.toMatchObject({ reason: 'caller.unknown' })
  })

  it('lists in the order of the ids', async () => {
    for (const id of ['b', 'a']) await callers.addCaller({ id, scopes: ['x:y'] })
    expect((await callers.listCallers()).map(({ id }) => id)).toEqual(['a', 'b'])
  })

  it('refuses an id twice, also after it was revoked', async () => {
    await callers.addCaller({ id: 'shop', scopes: ['x:y'] })
    await callers.revokeCaller('shop')
    await expect(callers.addCaller({ id: 'shop', scopes: ['x:y'] })).rejects.toMatchObject({ reason: 'caller.exists' })
  })

  it.each([
    { id: 'Shop', scopes: ['x:y'] },
    { id: 'sh_op', scopes: ['x:y'] },
    { id: '', scopes: ['x:y'] },
    { id: 'shop', scopes: [] },
    { id: 'shop', scopes: ['X Y'] },
    { id: 'shop', scopes: ['x:**'] },
  ])('refuses %j', async (caller) => {
    await expect(callers.addCaller(caller)).rejects.toThrow(CallerError)
    expect(await callers.listCallers()).toEqual([])
  })

  it('accepts the old key for the grace time after a rotation, and no longer after a second one', async () => {
    const { key: first } = await callers.addCaller({ id: 'shop', scopes: ['x:y'] })
    const { key: second } = await callers.rotateCaller('shop', 60_000)
    expect([await accepts('shop', first), await accepts('shop', second)]).toEqual([true, true])
    const { key: third } = await callers.rotateCaller('shop', 600_000)
    await clock.advance(60_000)
    expect([await accepts('shop', first), await accepts('shop', second), await accepts('shop', third)]).toEqual([false, true, true])
  })

  it('accepts no key of a revoked caller', async () => {
    const { key } = await callers.addCaller({ id: 'shop', scopes: ['x:y'] })
    await callers.revokeCaller('shop')
    expect(await accepts('shop', key)).toBe(false)
    expect(await callers.find('shop')).toMatchObject({ revokedAt: 1_000_000 })
    await expect(callers.rotateCaller('shop', 0)).rejects.toMatchObject({ reason: 'caller.revoked' })
  })
})
