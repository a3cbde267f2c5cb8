import { changeIdOf } from '@heed/domain'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accepted, attempted, exampleTime, paused, recipient, requested, resolved, subject } from './testing/events.ts'
import { type House, openHouse, type RunningAudit, until } from './testing/house.ts'

let house: House
let audit: RunningAudit

beforeAll(async () => {
  house = await openHouse('audit')
  audit = await house.audit()
})
afterAll(() => house.stop())

const mailchimp = recipient('mailchimp')
const ads = recipient('google-ads')
const change = (number: number, version = 1) => changeIdOf(subject(number), version)
const toMailchimp = (number: number, version = 1) => ({ recipientId: mailchimp, subjectId: subject(number), version })
const toAds = (number: number, version = 1) => ({ recipientId: ads, subjectId: subject(number), version })

describe('the status of a change', () => {
  it('is pushed at every step until every delivery has ended, and then the watch ends', async () => {
    const seen: (string | undefined)[][] = []
    const watching = (async () => {
      for await (const { status } of audit.client.watchChangeStatus({ changeId: change(1) })) {
        seen.push((status?.deliveries ?? []).map(({ recipientId, state }) => `${recipientId} ${state}`))
      }
    })()
    const step = async (...told: Parameters<House['tell']>) => {
      const before = seen.length
      await house.tell(...told)
      await until(
        () => Promise.resolve(seen.length),
        (length) => length > before,
      )
    }
    await step(accepted(subject(1), 1))
    await step(requested(toMailchimp(1)))
    await step(requested(toAds(1)))
    await step(attempted(toMailchimp(1), { kind: 'confirmed' }))
    await step(attempted(toAds(1), { kind: 'accepted', final: true }))
    await watching
    expect(seen).toEqual([
      [],
      ['mailchimp DELIVERY_STATE_PENDING'],
      ['google-ads DELIVERY_STATE_PENDING', 'mailchimp DELIVERY_STATE_PENDING'],
      ['google-ads DELIVERY_STATE_PENDING', 'mailchimp DELIVERY_STATE_CONFIRMED'],
      ['google-ads DELIVERY_STATE_ACCEPTED', 'mailchimp DELIVERY_STATE_CONFIRMED'],
    ])
  })

  it('is not settled while a delivery that the policy names has not been requested', async () => {
    await house.tell(accepted(subject(2), 1), requested(toMailchimp(2)), attempted(toMailchimp(2), { kind: 'confirmed' }))
    await audit.app.caughtUp()
    const { status } = await audit.client.getChangeStatus({ changeId: change(2) })
    expect(status).toMatchObject({ settled: false, deliveries: [{ recipientId: 'mailchimp', settled: true }] })
  })

  it('says what the person wanted, since when, until when and what came of it', async () => {
    await house.tell(
      accepted(subject(3), 1),
      requested(toMailchimp(3)),
      attempted(
        toMailchimp(3),
        { kind: 'deferred', reason: 'unavailable.rate-limited' },
        { wait: 'rate_limited', nextTryAt: exampleTime + 90_000 },
      ),
    )
    await audit.app.caughtUp()
    const { status } = await audit.client.getChangeStatus({ changeId: change(3) })
    expect(status).toMatchObject({
      subjectId: subject(3),
      version: 1,
      choices: [{ purpose: 'email-marketing', choice: 'CHOICE_DENIED' }],
      changed: ['email-marketing'],
      policyVersion: 'p1',
      deliveries: [
        {
          state: 'DELIVERY_STATE_PENDING',
          waitReason: 'rate_limited',
          lastReason: 'unavailable.rate-limited',
          attempts: 1,
          acceptedAt: { seconds: exampleTime / 1_000 + 1 },
          deadlineAt: { seconds: exampleTime / 1_000 + 1 + 86_400 },
          nextTryAt: { seconds: exampleTime / 1_000 + 90 },
          settledAt: null,
          wanted: [{ purpose: 'email-marketing', choice: 'CHOICE_DENIED' }],
        },
      ],
    })
  })

  it('refuses what is no change id and does not know what never happened', async () => {
    await expect(audit.client.getChangeStatus({ changeId: 'x' })).rejects.toMatchObject({ code: 3, violations: [{ field: 'change_id' }] })
    await expect(audit.client.getChangeStatus({ changeId: change(99) })).rejects.toMatchObject({ code: 5, reason: 'CHANGE_UNKNOWN' })
  })
})

describe('the timeline of a subject', () => {
  it('tells in the order of the trail, page by page', async () => {
    const told = [accepted(subject(4), 1), requested(toMailchimp(4)), attempted(toMailchimp(4), { kind: 'confirmed' })]
    for (const event of told) {
      await house.tell(event)
      await audit.app.caughtUp()
    }
    const first = await audit.client.listSubjectTimeline({ subjectId: subject(4), pageSize: 2 })
    const second = await audit.client.listSubjectTimeline({ subjectId: subject(4), pageSize: 2, pageToken: first.nextPageToken })
    expect([...first.entries, ...second.entries].map(({ kind }) => kind)).toEqual([
      'change-accepted',
      'delivery-requested',
      'delivery-attempted',
    ])
    expect(second.nextPageToken).toBe('')
    expect(JSON.parse(second.entries[0]?.factsJson ?? '')).toMatchObject({ outcome: { kind: 'confirmed' } })
  })

  it('refuses the token of another list', async () => {
    const { nextPageToken } = await audit.client.listSubjectTimeline({ subjectId: subject(4), pageSize: 1 })
    await expect(audit.client.listSubjectTimeline({ subjectId: subject(5), pageToken: nextPageToken })).rejects.toMatchObject({
      violations: [{ field: 'page_token' }],
    })
  })
})

describe('what is owed', () => {
  const ofAds = (number: number) => toAds(number)

  it('is listed oldest first, page by page, and can be asked for by recipient and reason', async () => {
    await house.tell(
      ...[11, 12, 13].map((number) => requested(toAds(number, number - 10))),
      attempted(toAds(12, 2), { kind: 'rejected', reason: 'item.refused' }),
    )
    await audit.app.caughtUp()
    const ids: string[] = []
    for (let pageToken = ''; ; ) {
      const page = await audit.client.listOpenDeliveries({ recipientId: ads, pageSize: 2, pageToken })
      ids.push(...page.deliveries.map(({ deliveryId }) => deliveryId))
      pageToken = page.nextPageToken
      if (pageToken === '') break
    }
    expect(ids.filter((id) => [11, 12, 13].some((number) => id.includes(subject(number))))).toEqual(
      [11, 12, 13].map((number) => `google-ads/${subject(number)}/${number - 10}`),
    )
    const refused = await audit.client.listOpenDeliveries({ waitReason: 'needs_person' })
    expect(refused.deliveries.map(({ deliveryId }) => deliveryId)).toEqual([`google-ads/${subject(12)}/2`])
  })

  it('refuses reasons that are none, and negative pages', async () => {
    await expect(audit.client.listOpenDeliveries({ waitReason: 'bored', recipientId: 'Not One' })).rejects.toMatchObject({
      violations: [{ field: 'recipient_id' }, { field: 'wait_reason' }],
    })
    await expect(audit.client.listOpenDeliveries({ pageSize: -1 })).rejects.toMatchObject({ violations: [{ field: 'page_size' }] })
  })

  it('waits as paused while an operator holds the recipient back', async () => {
    await house.tell(requested(ofAds(14)), paused(ads, true, exampleTime))
    await audit.app.caughtUp()
    const held = await audit.client.listOpenDeliveries({ recipientId: ads, waitReason: 'paused' })
    expect(held.deliveries.map(({ waitReason }) => waitReason)).toContain('paused')
    await house.tell(paused(ads, false, exampleTime + 1))
    await audit.app.caughtUp()
    expect((await audit.client.listOpenDeliveries({ recipientId: ads, waitReason: 'paused' })).deliveries).toEqual([])
  })

  it('is no longer owed once a named person ended it', async () => {
    await house.tell(requested(ofAds(15)), resolved(ofAds(15), exampleTime + 5_000, 'n.n. privacy office', 'done by telephone'))
    await audit.app.caughtUp()
    const { deliveries } = await audit.client.listOpenDeliveries({ recipientId: ads, pageSize: 1_000 })
    expect(deliveries.some(({ subjectId }) => subjectId === subject(15))).toBe(false)
  })
})

describe('the status of recipients', () => {
  it('adds up', async () => {
    await audit.app.caughtUp()
    const { recipients } = await until(
      () => audit.client.listRecipientStatus({}),
      (answer) => answer.recipients.length === 2,
    )
    for (const one of recipients) {
      const ended = one.accepted + one.confirmed + one.verified + one.superseded + one.notApplicable + one.resolved
      expect(one.requested).toBe(one.open + ended)
      expect(one.waiting.reduce((sum, { count }) => sum + count, 0)).toBe(one.open)
    }
    expect(recipients.map(({ recipientId }) => recipientId)).toEqual(['google-ads', 'mailchimp'])
  })
})
