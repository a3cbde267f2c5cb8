import { formatVerifierKey, parseVerifierKey, verifierOf } from '@heed/merkle-log'
import { readConfig } from '@heed/platform/config'
import { silentLogger } from '@heed/platform/log'
import { connectMongo } from '@heed/platform/mongo'
import { auditedStores, auditLog } from '@heed/trail'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { startTestHub, type TestHub } from './test-hub.ts'

const prefix = `audited-${process.pid}`
let test: TestHub
beforeAll(async () => {
  test = await startTestHub({
    dbPrefix: prefix,
    config: readConfig({ KEY: 'planted-secret' }, { KEY: { schema: z.string(), secret: true } }),
    environment: { HEED_JOURNAL_COUNT_SECONDS: '1' },
  })
})
afterAll(() => test.stop())

it('an audit beside a running hub finds journal, trail and deliveries agreeing', async () => {
  const changes = await Promise.all(['a', 'b', 'c'].map((name) => test.optOut(`audit-${name}@example.com`)))
  changes.push(await test.optIn('audit-a@example.com'))
  for (const { changeId } of changes) await test.settled(changeId)
  // twice: what is published the first time is counted the second, a second after the start
  await test.hub.settle()
  await test.hub.settle()
  const mongo = await connectMongo({ uri: inject('mongoUri'), appName: 'audit', log: silentLogger })
  try {
    const logKeys = (test.hub.trail?.keys ?? []).map((key) => parseVerifierKey(formatVerifierKey(verifierOf(key))))
    // as if it were a minute later: all that was published must be in the trail by then
    const report = await auditLog({
      stores: auditedStores(mongo, prefix),
      trust: { origin: logKeys[0]?.name ?? '', logKeys },
      now: () => Date.now() + 61_000,
    })
    expect(report.listed).toEqual([])
    expect(report.counts.changes).toBeGreaterThanOrEqual(changes.length)
    expect(report.counts.deliveries).toBeGreaterThan(changes.length)
    expect(report.counts.underWay).toBe(0)
    expect(report.counts.journals).toBeGreaterThan(0)
    // and which settings the hub runs with: their names
    const configured = await auditedStores(mongo, prefix).log.entries.find({ kind: 'configuration-changed' }).toArray()
    expect(configured.map(({ facts }) => JSON.parse(facts ?? '{}'))).toMatchObject([
      { by: 'services/hub', service: 'services/hub', settings: { key: 'set' } },
    ])
  } finally {
    await mongo.stop()
  }
})
