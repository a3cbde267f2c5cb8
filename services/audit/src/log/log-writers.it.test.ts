import { verifierOf } from '@heed/merkle-log'
import { systemClock } from '@heed/platform/clock'
import { silentLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AuditStore } from '../audit-store.ts'
import { sequencer } from '../sequencer.ts'
import { accepted, arrival, attempted, recipient, requested, subject } from '../testing/events.ts'
import { type House, openHouse, until } from '../testing/house.ts'
import { expectOneLog } from '../testing/log-checks.ts'
import { examplePolicy } from '../testing/policy.ts'
import { LogFencedError } from './faults.ts'
import { type LogKeeper, type LogStep, logKeeper } from './keeper.ts'

let house: House
beforeAll(async () => {
  house = await openHouse('writers')
})
afterAll(() => house.stop())

const mailchimp = recipient('mailchimp')
const life = (number: number) => {
  const duty = { recipientId: mailchimp, subjectId: subject(number), version: 1 }
  return [accepted(duty.subjectId, 1), requested(duty), attempted(duty, { kind: 'confirmed' })].map(arrival)
}

async function keeper(databasePrefix: string, fence: number, afterStep?: (step: LogStep) => void | Promise<void>): Promise<LogKeeper> {
  return logKeeper({
    settings: house.logSettings(databasePrefix),
    store: house.store(databasePrefix),
    kafka: house.kafka,
    publisher: house.kafka.publisher(),
    topics: house.topics,
    fence,
    clean: () => Promise.resolve(),
    afterStep,
    log: silentLogger,
    clock: systemClock,
    metrics: createMetrics(),
  })
}

async function appender(store: AuditStore, fence: number) {
  return sequencer({
    store,
    policy: examplePolicy(),
    fence,
    written: () => undefined,
    log: silentLogger,
    clock: systemClock,
    metrics: createMetrics(),
  })
}

const checked = (databasePrefix: string) => {
  const { origin, keys } = house.logSettings(databasePrefix)
  return expectOneLog(house.store(databasePrefix), house.kafka, house.topics, origin, keys.map(verifierOf))
}

it('two processes at the same time keep one log between them', async () => {
  const databasePrefix = `${house.prefix}-two`
  const trail = house.logSettings(databasePrefix)
  const [first, second] = [await house.audit({ databasePrefix, trail }), await house.audit({ databasePrefix, trail })]
  const tell = (from: number) => house.tell(...Array.from({ length: 300 }, (_, index) => accepted(subject(from + index), 1)))
  await tell(0)
  await until(
    () => Promise.resolve([first.app.leading, second.app.leading]),
    (leading) => leading.filter(Boolean).length === 1,
  )
  const [leader, other] = first.app.leading ? [first, second] : [second, first]
  // both answer, from the same log
  await leader.app.caughtUp()
  await leader.app.checkpointed()
  const notes = await Promise.all([leader, other].map(async ({ client }) => (await client.getCheckpoint({})).checkpoint?.note))
  expect(notes[0]).toBe(notes[1])
  await tell(1_000)
  await leader.stop()
  await tell(2_000)
  await other.app.caughtUp()
  expect(other.app.leading).toBe(true)
  await other.app.checkpointed()
  await other.stop()
  expect(await checked(databasePrefix)).toMatchObject({ size: 900 })
})

it.each<LogStep>(['secrets-stored', 'growth-stored', 'tree-fixed', 'checkpoint-signed', 'checkpoint-on-topic'])(
  'a writer that was held up at "%s" while another took over changes nothing any more',
  async (held) => {
    const databasePrefix = `${house.prefix}-${held}`
    const store = house.store(databasePrefix)
    await store.ensureIndexes()
    const trail = await appender(store, 1)
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let arrived: () => void = () => undefined
    const isHeld = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const old = await keeper(databasePrefix, 1, async (step) => {
      if (step !== held) return
      arrived()
      await released
    })
    await trail.append(Array.from({ length: 100 }, (_, index) => life(index)).flat())
    old.wake()
    await isHeld
    await trail.stop()

    const next = await keeper(databasePrefix, 2)
    const successor = await appender(store, 2)
    await successor.append(Array.from({ length: 100 }, (_, index) => life(1_000 + index)).flat())
    next.wake()
    await next.settle()
    release()
    await expect(old.failed).rejects.toBeInstanceOf(LogFencedError)
    await old.stop()
    await successor.append(Array.from({ length: 10 }, (_, index) => life(2_000 + index)).flat())
    next.wake()
    await next.settle()
    await next.stop()
    await successor.stop()
    const { size } = await checkedButForOrder(databasePrefix, held)
    expect(size).toBe(630)
    await house.mongo.database(`${databasePrefix}_audit`).dropDatabase()
  },
)

// One that had its tree before it was replaced, and published after, says once more what holds anyhow: a smaller checkpoint of the same tree.
async function checkedButForOrder(databasePrefix: string, held: LogStep) {
  if (held !== 'tree-fixed' && held !== 'checkpoint-signed') return checked(databasePrefix)
  const { origin, keys } = house.logSettings(databasePrefix)
  return expectOneLog(house.store(databasePrefix), house.kafka, house.topics, origin, keys.map(verifierOf), { anyOrder: true })
}

it('a process of an earlier term cannot begin at all', async () => {
  const databasePrefix = `${house.prefix}-term`
  await house.store(databasePrefix).ensureIndexes()
  const next = await keeper(databasePrefix, 5)
  await expect(keeper(databasePrefix, 4)).rejects.toBeInstanceOf(LogFencedError)
  await next.stop()
  await house.mongo.database(`${databasePrefix}_audit`).dropDatabase()
})
