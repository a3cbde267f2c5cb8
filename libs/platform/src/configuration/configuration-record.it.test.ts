import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../clock/index.ts'
import { readConfig } from '../config/index.ts'
import type { Loop } from '../lifecycle/index.ts'
import { silentLogger } from '../log/index.ts'
import { connectMongo, type MongoConnection } from '../mongo/index.ts'
import {
  type ConfigurationChange,
  type ConfigurationMemory,
  configurationRecord,
  rememberedInFolder,
  rememberedInMongo,
  type SeenConfiguration,
} from './index.ts'

const database = `configuration-${randomUUID().slice(0, 8)}`
let mongo: MongoConnection
let folder: string
beforeAll(async () => {
  mongo = await connectMongo({ uri: inject('mongoUri'), appName: database, log: silentLogger })
  folder = await mkdtemp(join(tmpdir(), 'heed-configuration-'))
})
afterAll(async () => {
  await mongo.database(database).dropDatabase()
  await mongo.stop()
  await rm(folder, { recursive: true, force: true })
})

const rows = () => mongo.collection<SeenConfiguration & { _id: string }>(database, 'configuration')
const shape = { PORT: z.string().default('7101'), KEY: { schema: z.string().optional(), secret: true }, HEED_NAME: z.string().optional() }

/** What a start with these settings tells. */
async function startWith(
  memory: ConfigurationMemory,
  env: Record<string, string>,
  tell?: (change: ConfigurationChange) => Promise<void>,
): Promise<ConfigurationChange[]> {
  const told: ConfigurationChange[] = []
  const part = configurationRecord({
    config: readConfig(env, shape),
    memory,
    tell: async (change) => {
      told.push(change)
      await tell?.(change)
    },
    clock: systemClock,
    log: silentLogger,
  })
  const running = (await part.start()) as Loop
  await running.settle()
  await running.stop()
  return told
}

describe.each([
  ['in its database', () => rememberedInMongo(rows(), 'services/example')],
  ['in its folder', () => rememberedInFolder(folder)],
])('a service that remembers its settings %s', (_, memory) => {
  it('tells the names of those that are others than before, once', async () => {
    const first = { KEY: 'very-secret', HEED_NAME: 'a' }
    expect(await startWith(memory(), first)).toMatchObject([{ settings: { port: 'set', key: 'set', 'heed-name': 'set' } }])
    expect(await startWith(memory(), first)).toEqual([])
    expect(await startWith(memory(), { KEY: 'another-secret', PORT: '1' })).toMatchObject([
      { settings: { port: 'changed', key: 'changed', 'heed-name': 'removed' } },
    ])
  })

  it('tells the same again where it was killed before it could remember, and waits while nobody can be told', async () => {
    let failures = 1
    const lost: ConfigurationMemory = {
      read: memory().read,
      write: async (seen) => {
        failures -= 1
        if (failures >= 0) throw new Error('killed')
        await memory().write(seen)
      },
    }
    const [one, again, ...more] = await startWith(lost, { HEED_NAME: 'b' })
    expect(again).toEqual(one)
    expect(more).toEqual([])
    let away = 2
    const told = await startWith(memory(), { HEED_NAME: 'c' }, async () => {
      away -= 1
      if (away >= 0) throw new Error('the broker is away')
    })
    expect(told).toHaveLength(3)
    expect(new Set(told.map(({ id }) => id)).size).toBe(1)
  })

  it('keeps and tells no value', async () => {
    const told = await startWith(memory(), { KEY: 'planted-secret', HEED_NAME: 'planted-name' })
    const kept = JSON.stringify([
      told,
      await rows().find({}).toArray(),
      await readFile(join(folder, 'configuration.json'), 'utf8').catch(() => ''),
    ])
    expect(kept).not.toContain('planted')
  })
})
