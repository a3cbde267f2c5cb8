import { systemClock } from '@heed/platform/clock'
import { createLogger, silentLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dutyWatch } from './duty-watch.ts'
import { accepted, attempted, recipient, requested, resolved, subject } from './testing/events.ts'
import { type House, openHouse, type RunningAudit, until } from './testing/house.ts'

let house: House
let audit: RunningAudit
const lines: Record<string, unknown>[] = []
const said = (event: string) => lines.filter(({ msg }) => msg === event)

beforeAll(async () => {
  house = await openHouse('watch')
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
  audit = await house.audit({ log: createLogger('audit', { level: 'info', destination }) })
})
afterAll(() => house.stop())

const mailchimp = (number: number) => ({ recipientId: recipient('mailchimp'), subjectId: subject(number), version: 1 })
const ads = (number: number) => ({ recipientId: recipient('google-ads'), subjectId: subject(number), version: 1 })

async function figure(name: string, labels: string): Promise<number | undefined> {
  const line = (await audit.metrics.read()).split('\n').find((text) => text.startsWith(`${name}{${labels}}`))
  return line === undefined ? undefined : Number(line.split(' ').at(-1))
}

describe('conservation', () => {
  it('holds at rest: what was requested stands in exactly one place', async () => {
    await house.tell(accepted(subject(1), 1), requested(mailchimp(1)), requested(ads(1)), attempted(mailchimp(1), { kind: 'confirmed' }))
    await until(
      () => figure('heed_deliveries', 'recipient="mailchimp",state="confirmed"'),
      (value) => value === 1,
    )
    expect(await figure('heed_deliveries', 'recipient="google-ads",state="open"')).toBe(1)
    expect(await figure('heed_conservation_gap', 'recipient="mailchimp"')).toBe(0)
    expect(await figure('heed_conservation_gap', 'recipient="google-ads"')).toBe(0)
  })

  it('is broken, and says so, while a delivery that the policy names was never requested', async () => {
    await house.tell(accepted(subject(2), 1), requested(mailchimp(2)))
    await until(
      () => figure('heed_conservation_gap', 'recipient="google-ads"'),
      (value) => value === 1,
    )
    expect(said('fan-out.missing')).toMatchObject([{ level: 'error', missing: 1 }])
    expect(await figure('heed_conservation_gap', 'recipient="mailchimp"')).toBe(0)
    await house.tell(requested(ads(2)))
    await until(
      () => figure('heed_conservation_gap', 'recipient="google-ads"'),
      (value) => value === 0,
    )
    expect(said('fan-out.missing')).toHaveLength(1)
  })

  it('is found broken where a count was changed by hand', async () => {
    await house.store().recipients.updateOne({ _id: recipient('mailchimp') }, { $inc: { confirmed: 1 } })
    await house.tell(requested(mailchimp(3)))
    await until(
      () => figure('heed_conservation_gap', 'recipient="mailchimp"'),
      (value) => value === 1,
    )
    expect(said('conservation.broken')[0]).toMatchObject({ level: 'error', recipientId: 'mailchimp', off: 1 })
    await house.store().recipients.updateOne({ _id: recipient('mailchimp') }, { $inc: { confirmed: -1 } })
  })
})

describe('deadlines', () => {
  it('raise one line for each step of a recipient, however many deliveries are late, and one when it is clear', async () => {
    lines.length = 0
    const late = Array.from({ length: 300 }, (_, index) => ads(100 + index))
    await house.tell(...late.map((duty) => requested(duty, 0, 60_000)))
    await until(
      () => figure('heed_deliveries_due', 'recipient="google-ads",step="late"'),
      (value) => (value ?? 0) >= 300,
    )
    expect(said('deadline.passed').filter(({ recipientId }) => recipientId === 'google-ads').length).toBeLessThanOrEqual(1)
    await house.tell(...[...late, ads(1), ads(2)].map((duty) => resolved(duty, Date.now())))
    await until(
      () => figure('heed_deliveries_due', 'recipient="google-ads",step="late"'),
      (value) => value === 0,
    )
    const cleared = said('deadline.clear').filter(({ recipientId }) => recipientId === 'google-ads')
    expect(cleared.map(({ step }) => step)).toEqual(['half', 'eighty', 'late'])
  })
})

describe('a clock that is set while the watch looks', () => {
  it('does not put it to rest', async () => {
    let days = 0
    let looks = 0
    const watch = dutyWatch({
      store: house.store(),
      ownerOf: () => undefined,
      leading: () => true,
      lag: async () => 0,
      appended: () => {
        looks += 1
        return looks
      },
      log: silentLogger,
      clock: {
        now: () => {
          days = Math.min(days + 1, 5)
          return Date.now() + days * 86_400_000
        },
        sleep: (_ms, signal) => systemClock.sleep(5, signal),
      },
      metrics: createMetrics(),
      everyMs: 5,
      graceMs: 60_000,
    })
    const running = await watch.start()
    await expect.poll(() => looks).toBeGreaterThan(8)
    await running.stop()
  })
})

describe('a record that cannot be read', () => {
  it('is named in the trail, and the rest goes on', async () => {
    const { topics } = house
    await house.publish({ topic: topics.outcomes, key: subject(50), value: '{"no', headers: { ce_type: 'heed.delivery.attempted.v1' } })
    await house.tell(accepted(subject(50), 1))
    await audit.app.caughtUp()
    // its dead letter comes back over the topic
    await until(
      () => house.store().entries.findOne({ kind: 'record-unreadable' }),
      (entry) => entry !== null,
    )
    const entry = await house.store().entries.findOne({ kind: 'record-unreadable' })
    expect(JSON.parse(entry?.facts ?? '')).toMatchObject({ topic: topics.outcomes, reason: 'the value is not JSON in UTF-8', bytes: 4 })
    expect(await house.store().entries.countDocuments({ subjectId: subject(50) })).toBe(1)
  })
})
