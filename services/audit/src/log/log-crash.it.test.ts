import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatSignerKey, verifierOf } from '@heed/merkle-log'
import { systemClock } from '@heed/platform/clock'
import { silentLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { sequencer } from '../sequencer.ts'
import { arrival, recipient, subject } from '../testing/events.ts'
import { type House, openHouse, until } from '../testing/house.ts'
import { crashLives, lifeOf } from '../testing/lives.ts'
import { expectOneLog } from '../testing/log-checks.ts'
import { examplePolicy } from '../testing/policy.ts'
import { type LogStep, logKeeper } from './keeper.ts'
import { checkpointInFolder } from './mirror.ts'

let house: House
let folder: string
beforeAll(async () => {
  house = await openHouse('log-crash')
  folder = await mkdtemp(join(tmpdir(), 'heed-log-'))
})
afterAll(async () => {
  await house.stop()
  await rm(folder, { recursive: true, force: true })
})

function child(program: string, env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL(program, import.meta.url))], {
    env: {
      ...process.env,
      NODE_OPTIONS: '--conditions=development',
      MONGODB_URI: inject('mongoUri'),
      KAFKA_BROKERS: inject('kafkaBrokers'),
      ...env,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
}

describe('a process that is killed', () => {
  const steps: readonly LogStep[] = [
    'secrets-stored',
    'growth-stored',
    'tree-fixed',
    'checkpoint-signed',
    'checkpoint-on-topic',
    'checkpoint-published',
  ]

  it.each(steps)(
    'after "%s" leaves a log that the next one goes on with: nothing lost, nothing twice, one tree of each size',
    async (step) => {
      const databasePrefix = `${house.prefix}-${step}`
      const trail = { ...house.logSettings(databasePrefix), folder: join(folder, databasePrefix), checkpointMs: 20 }
      const [code, signal] = await once(
        child('../testing/killed-log.ts', {
          DB_PREFIX: databasePrefix,
          TOPIC_PREFIX: house.prefix,
          TRAIL_KEY: trail.keys.map(formatSignerKey).join(),
          TRAIL_DIR: trail.folder,
          KILL_AT: step,
          KILL_AFTER: '4',
        }),
        'exit',
      )
      expect([code, signal]).toEqual([null, 'SIGKILL'])

      const store = house.store(databasePrefix)
      const common = { store, fence: 2, log: silentLogger, clock: systemClock, metrics: createMetrics() }
      const publisher = house.kafka.publisher()
      const clean = () => Promise.resolve()
      const keeper = await logKeeper({ ...common, settings: trail, kafka: house.kafka, publisher, topics: house.topics, clean })
      const trailOf = await sequencer({ ...common, policy: examplePolicy(), written: keeper.wake })
      // as the broker gives it: all that was not committed comes again
      for (const life of crashLives()) await trailOf.append(life.map(arrival))
      keeper.wake()
      await keeper.settle()
      await keeper.stop()
      await trailOf.stop()
      await publisher.stop()

      const { size, published } = await expectOneLog(store, house.kafka, house.topics, trail.origin, trail.keys.map(verifierOf))
      expect(size).toBe(1_800)
      expect(published).toBeGreaterThan(2)
      const row = await store.log.log.findOne({ _id: 'log' })
      expect(await checkpointInFolder(trail.folder)).toBe(row?.published?.note)
      await house.mongo.database(`${databasePrefix}_audit`).dropDatabase()
    },
  )

  it('has what it was told under a checkpoint of the next one within a minute, with the time limits of a real deployment', async () => {
    const databasePrefix = `${house.prefix}-minute`
    const killed = child('../main.ts', {
      HEED_ENV: 'development',
      HEED_AUDIT_PORT: '0',
      HEED_TRAIL_PORT: '0',
      HEED_OPERATIONS_PORT: '0',
      HEED_DB_PREFIX: databasePrefix,
      HEED_TOPIC_PREFIX: house.prefix,
      HEED_AUDIT_GROUP: `${databasePrefix}.audit`,
      HEED_TRAIL_KEYS: house.logSettings(databasePrefix).keys.map(formatSignerKey).join(),
      HEED_TRAIL_DIR: join(folder, databasePrefix),
      HEED_POLICY_FILE: fileURLToPath(new URL('../../../../deploy/policy/qualified3d.yaml', import.meta.url)),
      LOG_LEVEL: 'error',
    })
    const gone = once(killed, 'exit')
    const store = house.store(databasePrefix)
    const covered = async (number: number): Promise<boolean> => {
      const row = await store.entries.findOne({ subjectId: subject(number), kind: 'change-accepted' })
      const published = (await store.log.log.findOne({ _id: 'log' }))?.published?.size ?? 0
      return row !== null && row._id < published
    }
    const live = (number: number) => lifeOf({ recipientId: recipient('mailchimp'), subjectId: subject(number), version: 1 })
    try {
      await house.tell(...live(1))
      await until(
        () => covered(1),
        (it) => it,
        60_000,
      )
    } finally {
      killed.kill('SIGKILL')
      await gone
    }
    await house.tell(...live(2))
    const toldMs = Date.now()
    const successor = await house.audit({ databasePrefix, config: { HEED_AUDIT_LEASE_MS: 9_000 } })
    await until(
      () => covered(2),
      (it) => it,
      60_000,
    )
    expect(Date.now() - toldMs).toBeLessThan(60_000)
    await successor.stop()
  }, 150_000)
})
