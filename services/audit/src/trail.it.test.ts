import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TrailEvent } from '@heed/contracts'
import { formatSignerKey } from '@heed/merkle-log'
import { systemClock } from '@heed/platform/clock'
import { silentLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { AuditStore } from './audit-store.ts'
import { FencedError, sequencer } from './sequencer.ts'
import {
  accepted,
  arrival,
  attempted,
  exampleTime,
  paused,
  recipient,
  requested,
  resolved,
  subject,
  toldAnyhow,
  whatHappened,
} from './testing/events.ts'
import { type House, openHouse, projections, until } from './testing/house.ts'
import { examplePolicy } from './testing/policy.ts'

let house: House
beforeAll(async () => {
  house = await openHouse('trail')
})
afterAll(() => house.stop())

const mailchimp = recipient('mailchimp')
const ads = recipient('google-ads')

/** A life of some subjects: flips, repeats, refusals, resolutions. */
function story(subjects: number, from = 0): TrailEvent[] {
  return Array.from({ length: subjects }, (_, index) => {
    const subjectId = subject(from + index)
    const duty = (version: number, recipientId = mailchimp) => ({ recipientId, subjectId, version })
    const flips = [1, 2, 3].flatMap((version) => [accepted(subjectId, version), requested(duty(version)), requested(duty(version, ads))])
    return [
      ...flips,
      attempted(duty(1), { kind: 'deferred', reason: 'unavailable.http-503' }, { wait: 'recipient_unavailable' }),
      attempted(duty(3), { kind: 'confirmed' }, { at: exampleTime + 5_000 + index }),
      ...(index % 2 === 0 ? [attempted(duty(3), { kind: 'verified' }, { step: 2, at: exampleTime + 9_000 })] : []),
      ...(index % 3 === 0 ? [requested(duty(3, ads), exampleTime + 20_000)] : []),
      ...(index % 3 === 1 ? [attempted(duty(2, ads), { kind: 'rejected', reason: 'item.refused' })] : []),
      ...(index % 5 === 0 ? [resolved(duty(3, ads), exampleTime + 30_000)] : []),
    ]
  }).flat()
}

/** The sequence has no gap and no repeat, and no entry stands twice. */
async function expectOneOrder(store: AuditStore, entries: number) {
  const rows = await store.entries.find({}, { sort: { _id: 1 }, projection: { entryId: 1 } }).toArray()
  expect(rows.map(({ _id }) => _id)).toEqual(Array.from({ length: entries }, (_, index) => index))
  expect(new Set(rows.map(({ entryId }) => entryId)).size).toBe(entries)
  expect((await store.head.findOne({ _id: 'trail' }))?.next).toBe(entries)
}

let writers = 0
async function writer(databasePrefix: string, maxRound = 2_000) {
  const store = house.store(databasePrefix)
  await store.ensureIndexes()
  writers += 1
  const trail = await sequencer({
    store,
    policy: examplePolicy(),
    fence: writers,
    written: () => undefined,
    log: silentLogger,
    clock: systemClock,
    metrics: createMetrics(),
    maxRound,
  })
  return { store, trail }
}

describe('the trail', () => {
  it('rebuilt from the first record into a fresh database comes out as the live one', async () => {
    const live = await house.audit()
    await house.tell(...story(40), paused(ads, true, exampleTime), paused(ads, false, exampleTime + 5))
    await live.app.caughtUp()
    // what comes while it runs, mixed with what it has read
    await house.tell(...story(20, 100))
    await live.app.caughtUp()
    await live.stop()

    const rebuilt = await house.audit({ databasePrefix: `${house.prefix}-again` })
    await rebuilt.app.caughtUp()
    await rebuilt.stop()
    const before = await projections(house.store())
    const after = await projections(house.store(`${house.prefix}-again`))
    expect(before.deliveries).toHaveLength(60 * 6)
    expect(after).toEqual(before)
  })

  it('takes nothing twice when every record is given again, as after a crash before the offsets were committed', async () => {
    const before = await projections(house.store())
    // a group of its own has committed nothing, on the same database
    const again = await house.audit({ config: { HEED_AUDIT_GROUP: `${house.prefix}.again` } })
    await again.app.caughtUp()
    await house.tell(accepted(subject(900), 1))
    await again.app.caughtUp()
    await again.stop()
    const after = await projections(house.store())
    expect(after.deliveries).toEqual(before.deliveries)
    expect(after.recipients).toEqual(before.recipients)
    await expectOneOrder(house.store(), before.entries.length + 1)
  })

  it('stays one order while two processes run, and goes on with the second when the first stops', async () => {
    const databasePrefix = `${house.prefix}-two`
    const first = await house.audit({ databasePrefix })
    const second = await house.audit({ databasePrefix })
    await until(
      () => Promise.resolve([first.app.leading, second.app.leading]),
      (leading) => leading.filter(Boolean).length === 1,
    )
    const [leader, other] = first.app.leading ? [first, second] : [second, first]
    const told = story(200, 1_000)
    await house.tell(...told.slice(0, told.length / 2))
    const store = house.store(databasePrefix)
    await until(
      () => store.entries.countDocuments(),
      (count) => count > 300,
    )
    await leader.stop()
    await house.tell(...told.slice(told.length / 2))
    await other.app.caughtUp()
    expect(other.app.leading).toBe(true)
    const { status } = await other.client.getChangeStatus({ changeId: `${subject(1_000)}/3` })
    expect(status?.deliveries.map(({ state }) => state)).toEqual(['DELIVERY_STATE_RESOLVED', 'DELIVERY_STATE_VERIFIED'])
    await expectOneOrder(store, await store.entries.countDocuments())
  })

  it('refuses a writer whose term is over, and keeps what the new one wrote', async () => {
    const databasePrefix = `${house.prefix}-fenced`
    const old = await writer(databasePrefix)
    await old.trail.append([arrival(accepted(subject(1), 1))])
    const fresh = await writer(databasePrefix)
    await expect(old.trail.append([arrival(accepted(subject(1), 2))])).rejects.toBeInstanceOf(FencedError)
    await fresh.trail.append([arrival(accepted(subject(1), 1)), arrival(accepted(subject(1), 3))])
    await expectOneOrder(fresh.store, 2)
    await house.mongo.database(`${databasePrefix}_audit`).dropDatabase()
  })

  it('does not wait for a transaction that a dead writer has left open', async () => {
    const databasePrefix = `${house.prefix}-orphan`
    const store = house.store(databasePrefix)
    await store.ensureIndexes()
    // all that a writer does before it is killed
    const session = await store.startSession()
    await store.head.updateOne({ _id: 'trail' }, { $set: { session: session.id?.id as never } })
    session.startTransaction()
    await store.head.updateOne({ _id: 'trail' }, { $inc: { next: 1 } }, { session })
    await store.entries.insertOne({ _id: 0, ...arrival(accepted(subject(1), 1)).entry }, { session })
    const startedAt = Date.now()
    const { trail } = await writer(databasePrefix)
    await trail.append([arrival(accepted(subject(1), 1))])
    // a transaction that nobody ends is ended by the database after 60 s
    expect(Date.now() - startedAt).toBeLessThan(20_000)
    await expectOneOrder(store, 1)
    await expect(session.commitTransaction()).rejects.toThrow()
    await session.endSession()
    await house.mongo.database(`${databasePrefix}_audit`).dropDatabase()
  })

  it('survives a transaction that the database gives up, and one whose commit is not answered', async () => {
    const databasePrefix = `${house.prefix}-faults`
    const { store, trail } = await writer(databasePrefix)
    const failPoint = async (mode: object | string, data: object = {}) =>
      house.mongo
        .database('admin')
        .db?.admin()
        // of this house only: the server is everybody's
        .command({ configureFailPoint: 'failCommand', mode, data: { ...data, appName: house.prefix } })
    const fired = async (): Promise<number> => Number((await failPoint('off'))?.count)
    const before = await fired()
    await trail.append([arrival(accepted(subject(1), 1))])
    await failPoint({ times: 1 }, { failCommands: ['insert'], errorCode: 112, errorLabels: ['TransientTransactionError'] })
    await trail.append([arrival(accepted(subject(1), 2))])
    expect(await fired()).toBe(before + 1)
    await failPoint(
      { times: 1 },
      { failCommands: ['commitTransaction'], writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } },
    )
    await trail.append([arrival(requested({ recipientId: mailchimp, subjectId: subject(1), version: 2 }))])
    expect(await fired()).toBe(before + 2)
    await trail.append([arrival(attempted({ recipientId: mailchimp, subjectId: subject(1), version: 2 }, { kind: 'confirmed' }))])
    await expectOneOrder(store, 4)
    expect(await store.recipients.findOne({ _id: mailchimp })).toMatchObject({ requested: 1, confirmed: 1, open: 0 })
    await house.mongo.database(`${databasePrefix}_audit`).dropDatabase()
  })
})

describe('the stored projections', () => {
  it('do not depend on the order, the repetition or the rounds in which things arrive', async () => {
    const databasePrefix = `${house.prefix}-order`
    const tellings = whatHappened.chain((events) =>
      fc.record({ one: fc.constant(events), other: toldAnyhow(events), roundSize: fc.integer({ min: 1, max: 9 }) }),
    )
    const stored = async (events: readonly TrailEvent[], roundSize: number) => {
      const { store, trail } = await writer(databasePrefix)
      for (let from = 0; from < events.length; from += roundSize) await trail.append(events.slice(from, from + roundSize).map(arrival))
      await trail.stop()
      const found = await projections(store)
      await Promise.all([store.entries, store.changes, store.deliveries, store.recipients].map((rows) => rows.deleteMany({})))
      return found
    }
    await fc.assert(
      fc.asyncProperty(tellings, async ({ one, other, roundSize }) => {
        expect(await stored(other, roundSize)).toEqual(await stored(one, 1_000))
      }),
      { numRuns: 25 },
    )
  })
})

describe('a process that is killed while it appends', () => {
  it('leaves a trail that the next one continues without gap or repeat', async () => {
    const databasePrefix = `${house.prefix}-killed`
    const folder = await mkdtemp(join(tmpdir(), 'heed-trail-'))
    const store = house.store(databasePrefix)
    await store.ensureIndexes()
    const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('main.ts', import.meta.url))], {
      env: {
        ...process.env,
        NODE_OPTIONS: '--conditions=development',
        HEED_ENV: 'development',
        HEED_AUDIT_PORT: '0',
        HEED_OPERATIONS_PORT: '0',
        HEED_DB_PREFIX: databasePrefix,
        HEED_TOPIC_PREFIX: house.prefix,
        HEED_AUDIT_GROUP: `${databasePrefix}.audit`,
        HEED_AUDIT_LEASE_MS: '1500',
        HEED_TRAIL_KEYS: house.logSettings(databasePrefix).keys.map(formatSignerKey).join(),
        HEED_TRAIL_DIR: folder,
        HEED_POLICY_FILE: fileURLToPath(new URL('../../../deploy/policy/qualified3d.yaml', import.meta.url)),
        MONGODB_URI: inject('mongoUri'),
        KAFKA_BROKERS: inject('kafkaBrokers'),
        LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const gone = once(child, 'exit')
    try {
      await house.tell(...story(300, 5_000))
      await until(
        () => store.entries.countDocuments(),
        (count) => count > 500,
        90_000,
      )
    } finally {
      child.kill('SIGKILL')
      await gone
    }
    const atDeath = await store.entries.countDocuments()
    const successor = await house.audit({ databasePrefix })
    await successor.app.caughtUp()
    await successor.stop()
    const total = await store.entries.countDocuments()
    expect(total).toBeGreaterThan(atDeath)
    await expectOneOrder(store, total)
    // the same as in a database that saw no crash
    const calm = await house.audit({ databasePrefix: `${databasePrefix}-calm` })
    await calm.app.caughtUp()
    await calm.stop()
    const [killed, undisturbed] = [await projections(store), await projections(house.store(`${databasePrefix}-calm`))]
    expect(killed.deliveries).toEqual(undisturbed.deliveries)
    expect(killed.recipients).toEqual(undisturbed.recipients)
    expect(killed.entries).toEqual(undisturbed.entries)
    await rm(folder, { recursive: true, force: true })
  }, 180_000)
})
