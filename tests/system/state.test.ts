import { changeFromEvent, decodeEvent, deliveryToEvent, encodeEvent, topicsOf } from '@heed/contracts'
import { type Delivery, deliveriesFor } from '@heed/domain'
import type { ConsumedRecord } from '@heed/platform/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestHub, type TestHub } from './test-hub.ts'

let test: TestHub
beforeAll(async () => {
  test = await startTestHub()
})
afterAll(() => test.stop())

const mailchimp = () => test.sandbox.mailchimp.control
const statusOf = (address: string) => mailchimp().person({ address })[0]?.status
const topicPrefix = () => test.hub.topicPrefix

/** Every delivery of a subject to Mailchimp, as propagation published it. */
async function deliveriesOf(subjectId: string): Promise<Delivery[]> {
  const found: Delivery[] = []
  await test.hub.kafka.replay({
    topics: [topicsOf(topicPrefix()).preferences],
    from: 'start',
    handle: async ({ records }) => {
      for (const record of records) {
        const decoded = decodeEvent(record as ConsumedRecord, ['heed.preference.changed.v1'])
        if (decoded.ok && decoded.event.type === 'heed.preference.changed.v1' && decoded.event.data.subjectId === subjectId) {
          found.push(
            ...deliveriesFor(test.hub.policy, changeFromEvent(decoded.event.data)).filter(({ recipientId }) => recipientId === 'mailchimp'),
          )
        }
      }
    },
  })
  return found
}

describe('deliveries that come late, twice or in another order', () => {
  it('never undo an opt-out, and cause no vendor call', async () => {
    mailchimp().seedMember('l-marketing', 'late@example.org')
    await test.settled((await test.optOut('late@example.org', ['email-marketing'])).changeId)
    await test.settled((await test.optIn('late@example.org', ['email-marketing'])).changeId)
    const last = await test.optOut('late@example.org', ['email-marketing'])
    await test.settled(last.changeId)
    await test.hub.settle()
    const deliveries = await deliveriesOf(last.subjectId)
    expect(deliveries).toHaveLength(3)
    mailchimp().clearRequests()
    const publisher = test.hub.kafka.publisher()
    const order = [2, 0, 1, 1, 0, 2, 0].flatMap((index) => deliveries[index] ?? [])
    await publisher.publish(
      order.map((delivery) => ({
        topic: topicsOf(topicPrefix()).deliveries(delivery.recipientId),
        ...encodeEvent('heed.delivery.requested.v1', delivery.subjectId, deliveryToEvent(delivery), {
          id: delivery.id,
          source: 'tests',
          time: 1,
        }),
      })),
    )
    await publisher.stop()
    await test.hub.settle()
    expect(mailchimp().requests()).toEqual([])
    expect(statusOf('late@example.org')).toBe('unsubscribed')
  })
})

describe('a replay of every topic from offset 0', () => {
  it('causes no vendor call', async () => {
    for (let index = 0; index < 5; index += 1) {
      mailchimp().seedMember('l-marketing', `replay-${index}@example.org`)
      await test.optOut(`replay-${index}@example.org`)
    }
    await test.hub.settle()
    await test.until(
      async () =>
        (await test.clients.audit.listRecipientStatus({})).recipients
          .filter(({ recipientId }) => test.hub.connectors.serves(recipientId))
          .every(({ open }) => open === 0),
      'nothing is owed to connectors',
    )
    mailchimp().clearRequests()
    const filesBefore = test.sandbox.hashedEmail.control.beliefs().length
    // every delivery of every topic once more, byte by byte
    const topics = topicsOf(topicPrefix())
    const again: { topic: string; key: string; value: Buffer | null; headers: Readonly<Record<string, string>> }[] = []
    await test.hub.kafka.replay({
      topics: [topics.preferences, topics.deliveries('mailchimp' as never), topics.deliveries('select-third-parties' as never)],
      from: 'start',
      handle: async ({ topic, records }) => {
        for (const { key, value, headers } of records) again.push({ topic, key: key ?? '', value, headers })
      },
    })
    expect(again.length).toBeGreaterThan(15)
    const publisher = test.hub.kafka.publisher()
    await publisher.publish(again)
    await publisher.stop()
    await test.hub.settle()
    expect(mailchimp().requests()).toEqual([])
    expect(test.sandbox.hashedEmail.control.beliefs()).toHaveLength(filesBefore)
  })
})

describe('linked identifiers', () => {
  it('carry an opt-out to every address of the person, before and after', async () => {
    const second = 'grace.second@example.org'
    for (const address of ['grace@example.org', second, 'grace.third@example.org']) mailchimp().seedMember('l-marketing', address)
    const { subjectId } = await test.clients.preferences.linkIdentifiers({
      requestId: 'link-1',
      subject: { identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: 'grace@example.org' } },
      identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', value: second }],
      origin: 'ORIGIN_KIND_INTERNAL_SERVICE',
    })
    await test.settled((await test.optOut('grace@example.org', ['email-marketing'])).changeId)
    expect([statusOf('grace@example.org'), statusOf(second)]).toEqual(['unsubscribed', 'unsubscribed'])
    const linked = await test.clients.preferences.linkIdentifiers({
      requestId: 'link-2',
      subject: { subjectId },
      identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', value: 'grace.third@example.org' }],
      origin: 'ORIGIN_KIND_INTERNAL_SERVICE',
    })
    await test.settled(linked.changeId)
    expect(statusOf('grace.third@example.org')).toBe('unsubscribed')
  })

  it('make one person of two known ones, and denied wins', async () => {
    for (const address of ['heidi@example.org', 'heidi.work@example.org']) mailchimp().seedMember('l-marketing', address)
    await test.settled((await test.optIn('heidi@example.org', ['email-marketing'])).changeId)
    await test.settled((await test.optOut('heidi.work@example.org', ['email-marketing'])).changeId)
    const merged = await test.clients.preferences.linkIdentifiers({
      requestId: 'link-3',
      subject: { identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: 'heidi@example.org' } },
      identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', value: 'heidi.work@example.org' }],
      origin: 'ORIGIN_KIND_INTERNAL_SERVICE',
    })
    expect(merged.mergedSubjectIds).toHaveLength(1)
    await test.settled(merged.changeId)
    expect([statusOf('heidi@example.org'), statusOf('heidi.work@example.org')]).toEqual(['unsubscribed', 'unsubscribed'])
  })
})

describe('a recipient that is added', () => {
  it('is backfilled with every active opt-out while changes arrive, and no newer choice is overwritten', async () => {
    const people = Array.from({ length: 40 }, (_, index) => `new-${index}@example.org`)
    for (const address of people) mailchimp().seedMember('l-marketing', address)
    // as if the recipient had not been there: its connector does not run, and what it was sent is lost with its inbox
    await test.restart({ connectors: ['hashed-email'] })
    for (const address of people) await test.optOut(address, ['email-marketing'])
    await test.hub.settle()
    expect(people.map(statusOf)).toEqual(people.map(() => 'subscribed'))
    await test.restart({})
    const { backfill } = await test.clients.propagation.startBackfill({
      recipientId: 'mailchimp',
      maxPerSecond: 0,
      reason: 'the recipient is new',
    })
    const back = people.slice(0, 5)
    for (const address of back) await test.optIn(address, ['email-marketing'])
    for await (const { backfill: progress } of test.clients.propagation.watchBackfill({ backfillId: backfill?.backfillId ?? '' })) {
      if (progress?.state === 'BACKFILL_STATE_COMPLETED') expect(progress.published).toBeGreaterThanOrEqual(40)
    }
    await test.until(async () => {
      await test.hub.settle()
      return people.every((address) => statusOf(address) === (back.includes(address) ? 'subscribed' : 'unsubscribed'))
    }, 'everybody is as she wished')
  })
})
