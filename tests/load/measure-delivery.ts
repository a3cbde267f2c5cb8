import { readPolicyFile } from '@heed/contracts'
import type { SetPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesRequest.ts'
import { connectorOf, duties } from '@heed/domain'
import { request } from 'undici'
import { type Figure, quantile } from './figure.ts'
import type { BenchHub } from './harness.ts'
import { hubCpu, perOne } from './processes.ts'

const policyFile = new URL('../../deploy/policy/qualified3d.yaml', import.meta.url).pathname
const audience = 'l-marketing'
const partner = 'select-third-parties'

interface DeliveryRow {
  recipientId: string
  request?: { acceptedAt: number }
  heldAt?: number
}

const control = (hub: BenchHub, path: string) => `${hub.file.http.sandbox}/_control/mailchimp${path}`

/** Makes Mailchimp know `person-<n>@example.com` as subscribed contacts. */
export async function seedMembers(hub: BenchHub, from: number, count: number): Promise<void> {
  const { statusCode, body } = await request(control(hub, '/seed'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ listId: audience, members: [], generate: { from, count, status: 'subscribed' } }),
  })
  if (statusCode !== 200) throw new Error(`the sandbox answered ${statusCode}: ${await body.text()}`)
  await body.dump()
}

/** One person's refusal of some purposes. */
export function denial(number: number, purposes: readonly string[], tag: string): SetPreferencesRequest {
  return {
    requestId: `${tag}:${number}`,
    subject: { identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: `person-${number}@example.com` } },
    choices: purposes.map((purpose) => ({ purpose, choice: 'CHOICE_DENIED' })),
    origin: 'ORIGIN_KIND_PERSON',
  }
}

/** Records changes over one stream; throws where one is refused. */
export async function stream(hub: BenchHub, items: Iterable<SetPreferencesRequest>): Promise<void> {
  function* wrapped() {
    for (const item of items) yield { item }
  }
  for await (const { refused } of hub.clients.preferences.streamPreferences(wrapped())) if (refused) throw new Error(refused.message)
}

/** How much is open for some recipients, as the trail has it. */
export async function openOf(hub: BenchHub, recipients: readonly string[]): Promise<number> {
  const { recipients: rows } = await hub.clients.audit.listRecipientStatus({})
  return rows.filter(({ recipientId }) => recipients.includes(recipientId)).reduce((sum, { open }) => sum + open, 0)
}

/** Asks again and again until the answer is true; throws after `forMs`. */
export async function waitUntil(condition: () => Promise<boolean>, everyMs: number, forMs: number): Promise<void> {
  const until = performance.now() + forMs
  while (!(await condition())) {
    if (performance.now() > until) throw new Error('waited too long')
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

/** Every recipient of the policy that has a connector. */
export async function everybody(): Promise<readonly string[]> {
  const { recipients } = await readPolicyFile(policyFile)
  return recipients.filter((recipient) => connectorOf(recipient) !== undefined && connectorOf(recipient) !== duties).map(({ id }) => id)
}

/** Pauses recipients, so that a backlog grows or nobody but some is served. */
export async function hold(hub: BenchHub, recipients: readonly string[]): Promise<void> {
  for (const recipientId of recipients) await hub.clients.propagation.pauseRecipient({ recipientId, reason: 'a benchmark holds it back' })
}

/** Lets them go on. */
export async function letGo(hub: BenchHub, recipients: readonly string[]): Promise<void> {
  await Promise.all(
    recipients.map((recipientId) => hub.clients.propagation.resumeRecipient({ recipientId, reason: 'a benchmark lets it go on' })),
  )
}

/**
 * 100 changes a second for 20 seconds: from accepted to confirmed by Mailchimp, as the trail has it. First with nobody else to serve, then (`.all.`) with every recipient that the same refusal
 * concerns, an affiliate among them who is called once for each person and calls back.
 */
export async function measureLatency(hub: BenchHub): Promise<Figure[]> {
  const others = (await everybody()).filter((recipientId) => recipientId !== 'mailchimp')
  await hold(hub, others)
  const alone = await latencyOf(hub, 300_000, 'latency.confirmed')
  await letGo(hub, others)
  await waitUntil(async () => (await openOf(hub, ['affiliates'])) === 0, 500, 120_000)
  return [...alone, ...(await latencyOf(hub, 310_000, 'latency.confirmed.all'))]
}

async function latencyOf(hub: BenchHub, from: number, key: string): Promise<Figure[]> {
  const [perSecond, seconds] = [100, 20]
  await seedMembers(hub, from, perSecond * (seconds + 3))
  const tag = `l${Date.now()}`
  const pace = async (first: number, count: number) => {
    const startedAt = performance.now()
    const calls: Promise<unknown>[] = []
    for (let index = 0; index < count; index += 1) {
      const wait = startedAt + (index * 1000) / perSecond - performance.now()
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait))
      calls.push(hub.clients.preferences.setPreferences(denial(first + index, ['email-marketing'], tag)))
    }
    await Promise.all(calls)
  }
  await pace(from, perSecond * 3)
  const since = Date.now()
  const before = await hubCpu(hub.pid)
  await pace(from + perSecond * 3, perSecond * seconds)
  await waitUntil(async () => (await openOf(hub, ['mailchimp'])) === 0, 500, 60_000)
  const rows = await hub.mongo
    .useDb(`${hub.file.dbPrefix}_audit`)
    .collection<DeliveryRow>('deliveries')
    .find({ recipientId: 'mailchimp', 'request.acceptedAt': { $gte: since } })
    .toArray()
  const times = rows.flatMap(({ request: asked, heldAt }) =>
    asked === undefined || heldAt === undefined ? [] : [heldAt - asked.acceptedAt],
  )
  const cpu = perOne(before, await hubCpu(hub.pid), perSecond * seconds)
  if (times.length < perSecond * seconds * 0.99) throw new Error(`only ${times.length} confirmed`)
  return [
    { key: `${key}.p50`, value: quantile(times, 0.5), unit: 'ms', cpu },
    { key: `${key}.p99`, value: quantile(times, 0.99), unit: 'ms' },
  ]
}

/** A backlog of 20,000 changes for two recipients that were paused: deliveries settled a second once they go on. Nobody else is served meanwhile. */
export async function measureSettled(hub: BenchHub, count = 20_000): Promise<Figure[]> {
  const from = 400_000
  const recipients = ['mailchimp', partner]
  await seedMembers(hub, from, count)
  const served = await everybody()
  await hold(hub, served)
  const tag = `s${Date.now()}`
  await stream(
    hub,
    (function* () {
      for (let number = from; number < from + count; number += 1) yield denial(number, ['email-marketing', 'third-party-marketing'], tag)
    })(),
  )
  // every recipient's: what the trail still has to write for others would be counted as well
  let open = 0
  await waitUntil(
    async () => {
      const before = open
      open = await openOf(hub, served)
      return open === before && (await openOf(hub, recipients)) >= 2 * count
    },
    2_000,
    180_000,
  )
  const before = await hubCpu(hub.pid)
  const startedAt = performance.now()
  await letGo(hub, recipients)
  await waitUntil(async () => (await openOf(hub, recipients)) === 0, 250, 180_000)
  const value = (2 * count * 1000) / (performance.now() - startedAt)
  const cpu = perOne(before, await hubCpu(hub.pid), 2 * count)
  await letGo(hub, served)
  return [{ key: 'deliveries.settled', value, unit: 'deliveries/s', cpu }]
}

/** Requests to Mailchimp, polls included, for 10,000 opt-outs that wait. */
export async function measureVendorRequests(hub: BenchHub): Promise<Figure[]> {
  const [from, count] = [500_000, 10_000]
  await seedMembers(hub, from, count)
  await hold(hub, ['mailchimp'])
  const tag = `v${Date.now()}`
  await stream(
    hub,
    (function* () {
      for (let number = from; number < from + count; number += 1) yield denial(number, ['email-marketing'], tag)
    })(),
  )
  await waitUntil(async () => (await openOf(hub, ['mailchimp'])) >= count, 500, 120_000)
  const dropped = await request(control(hub, '/requests'), { method: 'DELETE' })
  await dropped.body.dump()
  await letGo(hub, ['mailchimp'])
  await waitUntil(async () => (await openOf(hub, ['mailchimp'])) === 0, 500, 180_000)
  const { body } = await request(control(hub, '/requests'))
  const { count: requests } = (await body.json()) as { count: number }
  return [{ key: 'vendor.requests.mailchimp', value: requests, unit: 'requests' }]
}
