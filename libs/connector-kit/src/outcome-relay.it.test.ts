import { randomBytes } from 'node:crypto'
import { topicPlans, topicsOf } from '@heed/contracts'
import { systemClock } from '@heed/platform/clock'
import { connectKafka } from '@heed/platform/kafka'
import { silentLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { workEvents } from './events.ts'
import { createFlights, type FlightRow, type Verdict } from './inbox/flights.ts'
import { rowIdOf } from './inbox/row.ts'
import type { HeldRow } from './inbox/settlement.ts'
import { outcomeRelay } from './outcome-relay.ts'
import { openRows, recipient, subject, type TestRows } from './testing.fixture.ts'

let opened: TestRows
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())

const held = (name: string): HeldRow => ({
  id: rowIdOf(recipient(), subject(name)),
  version: 1,
  assertion: 0,
  attempt: 1,
  priority: 0,
})

const confirmed = (row: HeldRow): Verdict => ({
  at: 1_000,
  groups: [
    {
      rows: [row],
      settlement: {
        state: 'confirmed',
        final: true,
        place: 'closed',
        failures: 'reset',
        unknown: false,
        entry: { step: 'asserted', outcome: { kind: 'confirmed' }, durationMs: 5 },
      },
    },
  ],
})

it('a verdict that comes into a record while others of it are published is published as well', async () => {
  const kafka = connectKafka({ brokers: inject('kafkaBrokers').split(','), clientId: 'kit-test', log: silentLogger })
  const publisher = kafka.publisher()
  const topics = topicsOf(`kit-${randomBytes(5).toString('hex')}`)
  await kafka.ensureTopics(topicPlans(topics, [recipient()]))
  const flights = createFlights(opened.connection.collection<FlightRow>(opened.database, 'flights'))
  const [ada, bob] = [held('ada'), held('bob')]
  await flights.begin({ id: 'f', recipientId: recipient(), rows: [ada, bob] })
  let between = () => {
    relay.post({ record: 'f', recipientId, verdict: confirmed(bob) })
    relay.close('f', recipientId)
    between = () => undefined
  }
  const recipientId = recipient()
  const relay = outcomeRelay({
    rows: opened.rows,
    flights,
    publisher,
    topics,
    source: 'services/connectors/example',
    clock: systemClock,
    log: silentLogger,
    events: workEvents(silentLogger, createMetrics()),
    probe: (point) => {
      if (point === 'published') between()
    },
  })
  relay.post({ record: 'f', recipientId, verdict: confirmed(ada) })
  await relay.settle()
  const told: string[] = []
  await kafka.replay({
    topics: [topics.outcomes],
    from: 'start',
    handle: async ({ records }) => {
      for (const { key } of records) told.push(String(key))
    },
  })
  expect(told.toSorted()).toEqual([subject('ada'), subject('bob')].toSorted())
  // dropped without waiting for the disk, and read here as a majority has it
  await expect.poll(() => flights.read('f')).toBeUndefined()
  await relay.stop()
  await publisher.stop()
  await kafka.stop()
})
