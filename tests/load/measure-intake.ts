import type { SetPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesRequest.ts'
import { type Figure, ratePerSecond } from './figure.ts'
import { rawInsertRate } from './raw-mongo.ts'
import type { BenchService, MeasuredCalls } from './service.ts'

const person = (number: number) => ({ identifier: { kind: 'IDENTIFIER_KIND_EMAIL' as const, value: `person-${number}@example.com` } })

/** A change of one choice. Each round denies another purpose, so that each is a change. */
function denial(number: number, round: number, tag: string): SetPreferencesRequest {
  return {
    requestId: `${tag}:${round}:${number}`,
    subject: person(number),
    choices: [{ purpose: rounds[round % rounds.length] ?? 'supplier-sharing', choice: 'CHOICE_DENIED' }],
    origin: 'ORIGIN_KIND_PERSON',
  }
}
const rounds = [
  'experience-monitoring',
  'location-personalisation',
  'supplier-sharing',
  'promotional-partners',
  'affiliate-sharing',
  'social-audiences',
  'cross-device-linking',
  'third-party-marketing',
]

/** What a piece of work took: how often it was done, for how long, and the CPU time of each process for one. */
class Tally {
  done = 0
  ms = 0
  readonly #cpu = { service: 0, bare: 0, client: 0, database: 0, broker: 0 }

  /** Does it, and counts it, with all that the service still has to do afterwards for it: publishing is part of the work. */
  async count(service: BenchService, work: () => Promise<number>): Promise<void> {
    const before = await service.cpuSeconds()
    const startedAt = performance.now()
    this.done += await work()
    this.ms += performance.now() - startedAt
    await service.settled()
    const after = await service.cpuSeconds()
    for (const part of ['service', 'bare', 'client', 'database', 'broker'] as const) this.#cpu[part] += after[part] - before[part]
  }

  get perSecond(): number {
    return (this.done * 1000) / this.ms
  }

  /** Microseconds of CPU for one, by process. */
  get cpu(): string {
    return Object.entries(this.#cpu)
      .map(([part, seconds]) => `${part} ${Math.round((seconds * 1e6) / this.done)}`)
      .join(', ')
  }
}

/** Sends items over one stream and gives how many were accepted as changes. */
async function streamed(service: BenchService, items: Iterable<SetPreferencesRequest>): Promise<number> {
  let accepted = 0
  for await (const answer of service.calls.streamPreferences(wrapped(items))) if (answer.accepted?.changed) accepted += 1
  return accepted
}

function* wrapped(items: Iterable<SetPreferencesRequest>) {
  for (const item of items) yield { item }
}

function* denials(from: number, count: number, round: number, tag: string) {
  for (let number = from; number < from + count; number += 1) yield denial(number, round, tag)
}

/** Streamed intake of new and of known subjects, each four times 5,000, between raw bulk inserts of the same documents. */
export async function measureStreamed(service: BenchService): Promise<Figure[]> {
  const tag = `b${Date.now()}`
  const [from, count, times] = [100_000, 5_000, 4]
  const fresh = new Tally()
  const known = new Tally()
  const ceilings: number[] = []
  for (const round of [0, 1]) await streamed(service, denials(900_000, 4_000, round, `${tag}w`))
  for (let time = 0; time < times; time += 1) {
    await service.settled()
    ceilings.push(await rawInsertRate(service.mongo, { database: `${service.dbPrefix}_preferences`, collection: 'changes' }, 1_000))
    await fresh.count(service, () => streamed(service, denials(from + time * count, count, 0, tag)))
    await known.count(service, () => streamed(service, denials(from + time * count, count, 1, tag)))
  }
  const ceiling = ceilings.reduce((sum, one) => sum + one, 0) / ceilings.length
  return [
    {
      key: 'intake.streamed.existing',
      value: known.perSecond,
      unit: 'changes/s',
      ceiling,
      ratio: known.perSecond / ceiling,
      cpu: known.cpu,
    },
    { key: 'intake.streamed.new', value: fresh.perSecond, unit: 'changes/s', ceiling, ratio: fresh.perSecond / ceiling, cpu: fresh.cpu },
  ]
}

/** Changes of known subjects, one a call. */
export async function measureSet(service: BenchService): Promise<Figure[]> {
  const tag = `u${Date.now()}`
  const known = 20_000
  await streamed(service, denials(200_000, known, 0, tag))
  const call = (calls: MeasuredCalls, slice: number) => (index: number) =>
    calls.setPreferences(denial(200_000 + (index % known), slice, `${tag}:${Math.floor(index / known)}`))
  return [await alternated(service, 'intake.unary', call)]
}

/** One question a call about 20,000 known subjects. */
export async function measureCheck(service: BenchService): Promise<Figure[]> {
  const known = 20_000
  await streamed(service, denials(300_000, known, 0, `c${Date.now()}`))
  const call = (calls: MeasuredCalls) => (index: number) =>
    calls.checkPermission({ subject: person(300_000 + (index % known)), purpose: 'analytics' })
  return [await alternated(service, 'check.unary', call)]
}

const inFlight = 64
const warmMs = 8_000
const sliceMs = 2_000
const slices = 6

/**
 * Calls in slices that alternate with slices of the same calls to a bare grpc-js server that answers a constant, 64 in flight: what the machine does
 * meanwhile falls on both.
 */
async function alternated(
  service: BenchService,
  key: string,
  call: (calls: MeasuredCalls, slice: number) => (index: number) => Promise<unknown>,
): Promise<Figure> {
  const figure = new Tally()
  const ceiling = new Tally()
  const slice = (tally: Tally, calls: MeasuredCalls, number: number, ms: number) =>
    tally.count(service, async () => Math.round((await ratePerSecond(inFlight, ms, call(calls, number))) * (ms / 1000)))
  // both sides warm before either is timed: the last of what they run is compiled after ten thousands of calls
  await slice(new Tally(), service.calls, 1, warmMs)
  await slice(new Tally(), service.bare, 1, warmMs)
  for (let number = 2; number < slices + 2; number += 1) {
    await slice(ceiling, service.bare, number, sliceMs / 2)
    await slice(figure, service.calls, number, sliceMs)
    await slice(ceiling, service.bare, number, sliceMs / 2)
  }
  return {
    key,
    value: figure.perSecond,
    unit: 'calls/s',
    ceiling: ceiling.perSecond,
    ratio: figure.perSecond / ceiling.perSecond,
    cpu: `${figure.cpu}; bare: ${ceiling.cpu}`,
  }
}

/** Batches of 200 questions, 8 in flight. */
export async function measureBatchCheck(service: BenchService): Promise<Figure[]> {
  await streamed(service, denials(400_000, 20_000, 0, `a${Date.now()}`))
  const batch = 200
  const ask = (index: number) =>
    service.calls.batchCheckPermission({
      purpose: 'analytics',
      recipientId: '',
      subjects: Array.from({ length: batch }, (_, n) => person(400_000 + ((index * batch + n) % 20_000))),
    })
  await ratePerSecond(8, 1_000, ask)
  const tally = new Tally()
  await tally.count(service, async () => Math.round((await ratePerSecond(8, 5_000, ask)) * 5 * batch))
  return [{ key: 'check.batch', value: tally.perSecond, unit: 'checks/s', cpu: tally.cpu }]
}
