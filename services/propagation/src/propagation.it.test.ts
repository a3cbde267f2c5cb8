import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changeRecord, denial, subject } from './testing/changes.ts'
import { type House, openHouse, type RunningPropagation } from './testing/house.ts'
import { recipientId } from './testing/ids.ts'

let house: House
let propagation: RunningPropagation

beforeAll(async () => {
  house = await openHouse('propagation')
  propagation = await house.propagation()
})
afterAll(() => house.stop())

const reason = 'asked for by the privacy office'
const requests = (recipient: string) => house.heard(house.topics.deliveries(recipientId(recipient)), 'heed.delivery.requested.v1')
const acts = () => house.heard(house.topics.acts, 'heed.operator.acted.v1')

describe('fan-out', () => {
  it('brings each change to every recipient that the policy names, in the order of versions', async () => {
    await house.publish(
      changeRecord(house.topics.preferences, denial(subject(1))),
      changeRecord(house.topics.preferences, denial(subject(1), 2, 'email-marketing', 'analytics')),
    )
    await propagation.app.consumer.caughtUp()
    expect((await requests('mailchimp')).map(({ deliveryId }) => deliveryId)).toEqual([`mailchimp/${subject(1)}/1`])
    expect((await requests('agency')).map(({ version, wanted }) => [version, wanted])).toEqual([
      [1, { 'email-marketing': 'denied', analytics: 'granted' }],
      [2, { 'email-marketing': 'denied', analytics: 'denied' }],
    ])
    expect(await requests('the-law')).toEqual([])
  })

  it('puts what cannot be read among the dead letters and goes on', async () => {
    await house.publish(
      { topic: house.topics.preferences, key: subject(2), value: 'no json', headers: { ce_type: 'heed.preference.changed.v1' } },
      { topic: house.topics.preferences, key: subject(2), value: '{}', headers: { ce_type: 'heed.another.thing.v1' } },
      changeRecord(house.topics.preferences, denial(subject(2))),
    )
    await propagation.app.consumer.caughtUp()
    expect((await requests('mailchimp')).map(({ subjectId }) => subjectId)).toContain(subject(2))
    const letters = await house.heard(house.topics.deadLetters, 'heed.record.unreadable.v1')
    expect(letters).toMatchObject([
      { topic: house.topics.preferences, bytes: 7, readBy: 'propagation' },
      { topic: house.topics.preferences, bytes: 2, readBy: 'propagation' },
    ])
  })

  it('says at its start which policy it serves', async () => {
    expect(await house.heard(house.topics.acts, 'heed.policy.loaded.v1')).toMatchObject([
      { policyId: 'example', policyVersion: 'p1', service: 'propagation' },
    ])
  })

  it('repeats the same deliveries and no others when the changes are read again', async () => {
    const before = await requests('agency')
    // what a crash between the publication and the commit of the offsets brings about
    await house.publish(changeRecord(house.topics.preferences, denial(subject(1))))
    await propagation.app.consumer.caughtUp()
    const after = await requests('agency')
    expect(after).toHaveLength(before.length + 1)
    expect(new Set(after.map((request) => JSON.stringify(request))).size).toBe(before.length)
  })
})

describe('a recipient', () => {
  it('is held back and let go by controls that connectors read, each with an act in the name of the caller', async () => {
    await propagation.client.pauseRecipient({ recipientId: 'mailchimp', reason })
    await propagation.client.resumeRecipient({ recipientId: 'mailchimp', reason: 'the vendor is back' })
    expect(await house.heard(house.topics.controls, 'heed.recipient.paused.v1')).toMatchObject([
      { recipientId: 'mailchimp', paused: true, reason },
      { recipientId: 'mailchimp', paused: false, reason: 'the vendor is back' },
    ])
    expect(await acts()).toMatchObject([
      { act: 'recipient-paused', recipientId: 'mailchimp', why: reason, by: expect.stringMatching(/^c-/) },
      { act: 'recipient-resumed', recipientId: 'mailchimp', why: 'the vendor is back' },
    ])
  })

  it('must be one that somebody tells, and the reason must say something and give nobody away', async () => {
    const { client } = propagation
    await expect(client.pauseRecipient({ recipientId: 'nobody-knows', reason: ' ' })).rejects.toMatchObject({
      code: 3,
      violations: [{ field: 'recipient_id', description: expect.stringContaining('mailchimp, statistics, agency') }, { field: 'reason' }],
    })
    await expect(client.resumeRecipient({ recipientId: 'the-law', reason })).rejects.toMatchObject({
      violations: [{ field: 'recipient_id', description: expect.stringContaining('nobody tells') }],
    })
    for (const telling of ['call ada@example.org', 'call +4915112345678', 'x'.repeat(501), 'two\nlines']) {
      await expect(client.pauseRecipient({ recipientId: 'mailchimp', reason: telling })).rejects.toMatchObject({
        violations: [{ field: 'reason' }],
      })
    }
    expect(await house.heard(house.topics.controls, 'heed.recipient.paused.v1')).toHaveLength(2)
  })
})

describe('a delivery', () => {
  it('is ended by the word of a named person', async () => {
    house.preferences.hold(denial(subject(5), 3))
    const deliveryId = `agency/${subject(5)}/2`
    await propagation.client.resolveDelivery({
      deliveryId,
      resolvedBy: 'privacy officer',
      why: 'taken off by telephone',
      evidence: 'call:7',
    })
    expect(await house.heard(house.topics.controls, 'heed.delivery.resolved.v1')).toMatchObject([
      { deliveryId, recipientId: 'agency', subjectId: subject(5), version: 2, by: 'privacy officer', why: 'taken off by telephone' },
    ])
    expect(await acts()).toContainEqual(expect.objectContaining({ act: 'delivery-resolved', deliveryId, by: expect.stringMatching(/^c-/) }))
  })

  it('is not ended where there can be none, or without a name', async () => {
    const { client } = propagation
    const named = { resolvedBy: 'privacy officer', why: 'done', evidence: 'call:7' }
    await expect(client.resolveDelivery({ deliveryId: 'agency/5', resolvedBy: '', why: '' })).rejects.toMatchObject({
      violations: [{ field: 'delivery_id' }, { field: 'resolved_by' }, { field: 'why' }],
    })
    await expect(client.resolveDelivery({ deliveryId: `the-law/${subject(5)}/2`, ...named })).rejects.toMatchObject({
      violations: [{ field: 'delivery_id' }],
    })
    await expect(client.resolveDelivery({ deliveryId: `agency/${subject(5)}/4`, ...named })).rejects.toMatchObject({
      code: 5,
      reason: 'DELIVERY_UNKNOWN',
    })
    await expect(client.resolveDelivery({ deliveryId: `agency/${subject(404)}/1`, ...named })).rejects.toMatchObject({
      code: 5,
      reason: 'SUBJECT_UNKNOWN',
    })
  })

  it('is asked for once more, at the newest version, with the time at which it was asked for', async () => {
    house.preferences.hold(denial(subject(6), 4, 'analytics', 'email-marketing'))
    const before = Date.now()
    const all = await propagation.client.redeliver({ subjectId: subject(6), reason })
    expect(all.deliveryIds).toEqual(['mailchimp', 'statistics', 'agency'].map((recipient) => `${recipient}/${subject(6)}/4`))
    const one = await propagation.client.redeliver({ subjectId: subject(6), recipientIds: ['statistics'], reason })
    expect(one.deliveryIds).toEqual([`statistics/${subject(6)}/4`])
    const again = (await requests('statistics')).filter(({ subjectId }) => subjectId === subject(6))
    expect(again).toMatchObject([
      { version: 4, changed: [] },
      { version: 4, changed: [] },
    ])
    for (const { assertion } of again) expect(assertion).toBeGreaterThanOrEqual(before)
    expect(await acts()).toContainEqual(expect.objectContaining({ act: 'redelivery-requested', subjectId: subject(6), why: reason }))
  })

  it('is not asked for again where nothing is known or nobody is meant', async () => {
    const { client } = propagation
    await expect(client.redeliver({ subjectId: 'ada', recipientIds: ['mailchimp', 'the-law', 'x'], reason: '' })).rejects.toMatchObject({
      violations: [{ field: 'subject_id' }, { field: 'recipient_ids[1]' }, { field: 'recipient_ids[2]' }, { field: 'reason' }],
    })
    await expect(client.redeliver({ subjectId: subject(404), reason })).rejects.toMatchObject({ code: 5, reason: 'SUBJECT_UNKNOWN' })
  })

  it('cannot be asked for while preferences is away, and the caller is told to come again', async () => {
    await house.preferences.down()
    try {
      await expect(propagation.client.redeliver({ subjectId: subject(6), reason })).rejects.toMatchObject({
        code: 14,
        reason: 'PREFERENCES_UNAVAILABLE',
        retryAfterSeconds: 1,
      })
    } finally {
      await house.preferences.up()
    }
  })
})

describe('who may', () => {
  it('look needs the scope to read, and act the scope to operate', async () => {
    const reader = await propagation.as('propagation:read')
    expect(await reader.listBackfills({})).toEqual({ backfills: [] })
    await expect(reader.pauseRecipient({ recipientId: 'mailchimp', reason })).rejects.toMatchObject({ code: 7, reason: 'SCOPE_MISSING' })
    const stranger = await propagation.as('audit:read')
    await expect(stranger.listBackfills({})).rejects.toMatchObject({ code: 7 })
  })
})
