import { lanes } from '@heed/connector-kit'
import { decodeEvent, readPolicyFile, topicsOf } from '@heed/contracts'
import { connectKafka } from '@heed/platform/kafka'
import { silentLogger } from '@heed/platform/log'
import { request } from 'undici'
import { type Figure, quantile } from './figure.ts'
import type { BenchHub } from './harness.ts'
import { denial, everybody, hold, letGo, openOf, seedMembers, stream, waitUntil } from './measure-delivery.ts'

const policyFile = new URL('../../deploy/policy/qualified3d.yaml', import.meta.url).pathname

/** Takes 500 people a day by its contract: how long a delivery to it takes says nothing of the hub. */
const pacedByTheDay = 'google-analytics'

/** Everything that can be refused, and who is told of it by a connector. */
async function everything(): Promise<{ purposes: readonly string[]; recipients: readonly string[] }> {
  const { purposes } = await readPolicyFile(policyFile)
  return {
    purposes: purposes.filter(({ refusable }) => refusable).map(({ key }) => key),
    recipients: (await everybody()).filter((id) => id !== pacedByTheDay),
  }
}

/** When each delivery of each subject first had an outcome that its recipient took, ms since the epoch: read from the topic of outcomes. */
function heardOutcomes(hub: BenchHub) {
  const kafka = connectKafka({ brokers: hub.file.kafkaBrokers, clientId: 'heed-bench', log: silentLogger })
  const takenAt = new Map<string, Map<string, number>>()
  const consumer = kafka.consumer({
    groupId: `bench-${Date.now()}`,
    topics: [topicsOf(hub.file.topicPrefix).outcomes],
    fromBeginning: true,
    log: silentLogger,
    handle: async ({ records }) => {
      for (const { value, headers } of records) {
        if (value === null) continue
        const decoded = decodeEvent({ value, headers }, ['heed.delivery.attempted.v1'])
        if (!decoded.ok || decoded.event.type !== 'heed.delivery.attempted.v1') continue
        const { subjectId, recipientId, outcome, at } = decoded.event.data
        if (outcome.kind === 'deferred' || outcome.kind === 'rejected') continue
        const taken = takenAt.get(subjectId) ?? new Map<string, number>()
        takenAt.set(subjectId, taken)
        taken.set(recipientId, Math.min(taken.get(recipientId) ?? Number.POSITIVE_INFINITY, at))
      }
    },
  })
  return { kafka, consumer, takenAt }
}

/**
 * 20 people a second refuse everything, for 20 seconds: from accepted until the last recipient has taken it (a vendor that works on: until it accepted it). Ten seconds of the
 * same come before and do not count: in them the program is compiled. A minute lies between, after which the vendors take as many requests as ever: one takes sixty in a minute.
 */
export async function measureFanoutLatency(hub: BenchHub): Promise<Figure[]> {
  const [from, perSecond, seconds, warmSeconds] = [600_000, 20, 20, 10]
  const { purposes, recipients } = await everything()
  await seedMembers(hub, from, perSecond * (seconds + warmSeconds))
  const { kafka, consumer, takenAt } = heardOutcomes(hub)
  const running = await consumer.start()
  try {
    const tag = `f${Date.now()}`
    const accepted = new Map<string, number>()
    const refuse = async (first: number, count: number, counts: boolean) => {
      const startedAt = performance.now()
      const calls: Promise<void>[] = []
      for (let index = 0; index < count; index += 1) {
        const wait = startedAt + (index * 1000) / perSecond - performance.now()
        if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait))
        const call = hub.clients.preferences.setPreferences(denial(first + index, purposes, tag)).then(({ subjectId, acceptedAt }) => {
          if (counts && acceptedAt !== null) accepted.set(subjectId, Number(acceptedAt.seconds) * 1000 + acceptedAt.nanos / 1e6)
        })
        calls.push(call)
      }
      await Promise.all(calls)
    }
    await refuse(from, perSecond * warmSeconds, false)
    await new Promise((resolve) => setTimeout(resolve, 60_000))
    await refuse(from + perSecond * warmSeconds, perSecond * seconds, true)
    const missing = () =>
      recipients.flatMap((id) => {
        const count = [...accepted.keys()].filter((subjectId) => takenAt.get(subjectId)?.has(id) !== true).length
        return count === 0 ? [] : [`${id} ${count}`]
      })
    await waitUntil(async () => missing().length === 0, 200, 60_000).catch((thrown: unknown) => {
      throw new Error(`not taken: ${missing().join(', ')}`, { cause: thrown })
    })
    const times = [...accepted].map(([subjectId, at]) => Math.max(...recipients.map((id) => takenAt.get(subjectId)?.get(id) ?? at)) - at)
    for (const id of recipients) {
      const own = [...accepted].map(([subjectId, at]) => (takenAt.get(subjectId)?.get(id) ?? at) - at)
      process.stderr.write(
        `  ${id}: p50 ${Math.round(quantile(own, 0.5))} ms, p90 ${Math.round(quantile(own, 0.9))} ms, the last ${Math.round(quantile(own, 1))} ms\n`,
      )
    }
    return [{ key: 'fanout.latency.p50', value: quantile(times, 0.5), unit: 'ms' }]
  } finally {
    await running.stop()
    await kafka.stop()
  }
}

function* refusals(from: number, count: number, purposes: readonly string[]) {
  const tag = `r${Date.now()}`
  for (let number = from; number < from + count; number += 1) yield denial(number, purposes, tag)
}

/** A backlog of 5,000 people who refused everything, for all recipients: deliveries that are settled a second once they go on. */
export async function measureFanoutSettled(hub: BenchHub): Promise<Figure[]> {
  const [from, count] = [700_000, 5_000]
  const { purposes, recipients } = await everything()
  await seedMembers(hub, from, count)
  await hold(hub, recipients)
  await stream(hub, refusals(from, count, purposes))
  const whole = count * recipients.length
  await waitUntil(async () => (await openOf(hub, recipients)) >= whole, 1_000, 600_000)
  const startedAt = performance.now()
  await letGo(hub, recipients)
  await waitUntil(async () => (await openOf(hub, recipients)) === 0, 500, 600_000)
  return [{ key: 'fanout.settled', value: (whole * 1000) / (performance.now() - startedAt), unit: 'deliveries/s' }]
}

/** The vendors whose requests are counted: the connector and the recipients behind each, its name in the sandbox, and which of its requests tell it something. */
const vendors = [
  {
    key: 'google',
    kind: 'google-ads',
    recipients: ['google-ads', 'google-display-video'],
    sandbox: 'google-data-manager',
    tells: /audienceMembers/,
  },
  { key: 'meta', kind: 'meta-ads', recipients: ['meta'], sandbox: 'meta', tells: /users/ },
  { key: 'linkedin', kind: 'linkedin-ads', recipients: ['linkedin'], sandbox: 'linkedin', tells: /users/ },
  { key: 'x', kind: 'x-ads', recipients: ['x'], sandbox: 'x', tells: /users|do_not_reach/ },
  { key: 'microsoft', kind: 'microsoft-ads', recipients: ['microsoft-advertising'], sandbox: 'microsoft', tells: /Apply/ },
] as const

/** The keys of `measureVendors`. */
export const vendorKeys: readonly string[] = vendors.map(({ key }) => `vendor.requests.${key}`)

interface Totals {
  readonly totals: readonly {
    readonly method: string
    readonly path: string
    readonly status: number | string
    readonly requests: number
  }[]
}

/** Requests to each vendor of advertising that tell it something, for 10,000 opt-outs that wait; what asks about jobs, lists and tokens is not counted. */
export async function measureVendors(hub: BenchHub): Promise<Figure[]> {
  const [from, count] = [800_000, 10_000]
  const recipients = vendors.flatMap((vendor) => vendor.recipients)
  await hold(hub, recipients)
  await stream(hub, refusals(from, count, ['social-audiences', 'interest-based-advertising']))
  // the trail hears of it later than the connectors do
  const openRows = async () => {
    const inboxOf = (kind: string) => hub.mongo.useDb(`${hub.file.dbPrefix}_connector_${kind}`).collection('inbox')
    const counts = vendors.map(({ kind, recipients: ids }) =>
      inboxOf(kind).countDocuments({ recipientId: { $in: [...ids] }, lane: { $lt: lanes.readBack } }),
    )
    return (await Promise.all(counts)).reduce((sum, one) => sum + one, 0)
  }
  await waitUntil(async () => (await openRows()) >= count * recipients.length, 2_000, 480_000)
  const log = (sandbox: string) => `${hub.file.http.sandbox}/_control/${sandbox}/requests`
  for (const { sandbox } of vendors) await (await request(log(sandbox), { method: 'DELETE' })).body.dump()
  await letGo(hub, recipients)
  await waitUntil(async () => (await openRows()) === 0, 2_000, 240_000)
  const figures: Figure[] = []
  for (const { key, sandbox, tells } of vendors) {
    const { totals } = (await (await request(log(sandbox))).body.json()) as Totals
    for (const { method, path, status, requests } of totals) process.stderr.write(`  ${sandbox}: ${requests} ${method} ${path} ${status}\n`)
    const telling = totals.filter(({ method, path }) => method !== 'GET' && tells.test(path))
    figures.push({ key: `vendor.requests.${key}`, value: telling.reduce((sum, { requests }) => sum + requests, 0), unit: 'requests' })
  }
  return figures
}
