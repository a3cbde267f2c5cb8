import { connectClients } from '@heed/cli'
import type { SetPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesRequest.ts'
import { type Figure, ratePerSecond } from './figure.ts'
import { type BenchHub, startProgram } from './harness.ts'
import { rawInsertRate } from './raw-mongo.ts'

const person = (number: number) => ({ identifier: { kind: 'IDENTIFIER_KIND_EMAIL' as const, value: `person-${number}@example.com` } })

/** A change of one choice. Odd rounds deny one purpose, even rounds another, so that each is a change. */
function denial(number: number, round: number, tag: string): SetPreferencesRequest {
  return {
    requestId: `${tag}:${round}:${number}`,
    subject: person(number),
    choices: [{ purpose: rounds[round % rounds.length] ?? 'supplier-sharing', choice: 'CHOICE_DENIED' }],
    origin: 'ORIGIN_KIND_PERSON',
  }
}
const rounds = ['experience-monitoring', 'location-personalisation', 'supplier-sharing', 'promotional-partners', 'affiliate-sharing']

/** Sends items over one stream and gives accepted changes a second. */
async function streamed(hub: BenchHub, items: Iterable<SetPreferencesRequest>): Promise<{ rate: number; accepted: number }> {
  const startedAt = performance.now()
  let accepted = 0
  for await (const answer of hub.clients.preferences.streamPreferences(wrapped(items))) if (answer.accepted?.changed) accepted += 1
  return { rate: (accepted * 1000) / (performance.now() - startedAt), accepted }
}

function* wrapped(items: Iterable<SetPreferencesRequest>) {
  for (const item of items) yield { item }
}

function* denials(from: number, count: number, round: number, tag: string) {
  for (let number = from; number < from + count; number += 1) yield denial(number, round, tag)
}

/** Streamed intake of new and of known subjects against raw bulk inserts of the same documents. */
export async function measureStreamed(hub: BenchHub): Promise<Figure[]> {
  const tag = `b${Date.now()}`
  await streamed(hub, denials(900_000, 2_000, 0, `${tag}w`))
  const fresh = await streamed(hub, denials(100_000, 20_000, 0, tag))
  const known = await streamed(hub, denials(100_000, 20_000, 1, tag))
  const ceiling = await rawInsertRate(hub.mongo, { database: `${hub.file.dbPrefix}_preferences`, collection: 'changes' }, 4_000)
  return [
    { key: 'intake.streamed.existing', value: known.rate, unit: 'changes/s', ceiling, ratio: known.rate / ceiling },
    { key: 'intake.streamed.new', value: fresh.rate, unit: 'changes/s', ceiling, ratio: fresh.rate / ceiling },
  ]
}

/** Unary calls, 64 in flight, against a bare grpc-js server that answers a constant. */
export async function measureUnary(hub: BenchHub): Promise<Figure[]> {
  const bare = await startProgram('bare-grpc.ts')
  const address = `127.0.0.1:${bare.port}`
  const raw = connectClients({
    preferences: address,
    propagation: address,
    audit: address,
    key: 'heed_bench_none',
    mongoUri: undefined,
    dbPrefix: '',
  })
  const tag = `u${Date.now()}`
  try {
    const set = (clients: BenchHub['clients'], round: number) => (index: number) =>
      clients.preferences.setPreferences(denial(200_000 + index, round, tag))
    const check = (clients: BenchHub['clients']) => (index: number) =>
      clients.preferences.checkPermission({ subject: person(100_000 + (index % 20_000)), purpose: 'analytics' })
    // warm both sides before either is timed
    await ratePerSecond(64, 1_500, set(hub.clients, 2))
    await ratePerSecond(64, 1_500, set(raw, 2))
    const setCeiling = await ratePerSecond(64, 5_000, set(raw, 3))
    const setRate = await ratePerSecond(64, 5_000, set(hub.clients, 3))
    await ratePerSecond(64, 1_000, check(hub.clients))
    const checkCeiling = await ratePerSecond(64, 5_000, check(raw))
    const checkRate = await ratePerSecond(64, 5_000, check(hub.clients))
    return [
      { key: 'intake.unary', value: setRate, unit: 'calls/s', ceiling: setCeiling, ratio: setRate / setCeiling },
      { key: 'check.unary', value: checkRate, unit: 'calls/s', ceiling: checkCeiling, ratio: checkRate / checkCeiling },
    ]
  } finally {
    raw.close()
    await bare.stop()
  }
}

/** Batches of 200 questions, 8 in flight. */
export async function measureBatchCheck(hub: BenchHub): Promise<Figure[]> {
  const batch = 200
  const ask = (index: number) =>
    hub.batchCheck({
      purpose: 'analytics',
      recipientId: '',
      subjects: Array.from({ length: batch }, (_, n) => person(100_000 + ((index * batch + n) % 20_000))),
    })
  await ratePerSecond(8, 1_000, ask)
  const rate = (await ratePerSecond(8, 5_000, ask)) * batch
  return [{ key: 'check.batch', value: rate, unit: 'checks/s' }]
}
