import { newest } from '@heed/domain'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { changeRecord, denial, subject } from './testing/changes.ts'
import { type House, openHouse, type PropagationClient, type RunningPropagation, until } from './testing/house.ts'
import { recipientId } from './testing/ids.ts'

let house: House
const running: RunningPropagation[] = []

beforeAll(async () => {
  house = await openHouse('backfill')
  for (let number = 1; number <= subjects; number += 1) house.preferences.hold(denial(subject(number)))
  // a page, and more than one, that concerns nobody
  for (let number = 30; number < 60; number += 1) house.preferences.hold(denial(subject(number), 1, 'analytics'))
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})
afterAll(() => house.stop())

const subjects = 90
const concerned = 60
const reason = 'a new recipient'

async function start(): Promise<RunningPropagation> {
  const one = await house.propagation()
  running.push(one)
  return one
}

async function begin(client: PropagationClient, recipient: string, maxPerSecond = 0) {
  const { backfill } = await client.startBackfill({ recipientId: recipient, maxPerSecond, reason })
  if (backfill === null) throw new Error('no backfill')
  return backfill
}

async function watched(client: PropagationClient, backfillId: string) {
  const seen = []
  for await (const { backfill } of client.watchBackfill({ backfillId })) if (backfill !== null) seen.push(backfill)
  return seen
}

/** What is asked of a recipient by repeats, by subject. */
async function asserted(recipient: string, assertion: number) {
  const requests = await house.heard(house.topics.deliveries(recipientId(recipient)), 'heed.delivery.requested.v1')
  return requests.filter((request) => request.assertion === assertion)
}

const startOf = (timestamp: { seconds: number; nanos: number } | null) =>
  (timestamp?.seconds ?? 0) * 1_000 + Math.round((timestamp?.nanos ?? 0) / 1e6)

describe('a backfill', () => {
  it('asks once for every subject that concerns the recipient, and tells how far it is', async () => {
    const { client } = await start()
    const backfill = await begin(client, 'mailchimp')
    const seen = await watched(client, backfill.backfillId)
    expect(seen.at(-1)).toMatchObject({ state: 'BACKFILL_STATE_COMPLETED', scanned: concerned, published: concerned, total: subjects })
    const requests = await asserted('mailchimp', startOf(backfill.startedAt))
    expect(new Set(requests.map(({ subjectId }) => subjectId)).size).toBe(concerned)
    expect(requests).toHaveLength(concerned)
    expect(requests[0]).toMatchObject({ wanted: { 'email-marketing': 'denied' }, changed: [], version: 1 })
    const acts = await until(
      () => house.heard(house.topics.acts, 'heed.operator.acted.v1'),
      (told) => told.some(({ act }) => act === 'backfill-completed'),
    )
    expect(acts).toMatchObject([
      { act: 'backfill-started', recipientId: 'mailchimp', why: reason },
      { act: 'backfill-completed', recipientId: 'mailchimp' },
    ])
  })

  it('is stopped, resumed where it was, and asks nobody twice for it', async () => {
    const { client } = await start()
    const backfill = await begin(client, 'agency', 20)
    await until(
      () => client.listBackfills({ recipientId: 'agency' }),
      ({ backfills }) => (backfills[0]?.published ?? 0) > 0,
    )
    const stopped = await client.stopBackfill({ backfillId: backfill.backfillId })
    expect(stopped.backfill).toMatchObject({ state: 'BACKFILL_STATE_STOPPED' })
    expect((await watched(client, backfill.backfillId)).at(-1)).toMatchObject({ state: 'BACKFILL_STATE_STOPPED' })
    const resumed = await client.resumeBackfill({ backfillId: backfill.backfillId })
    expect(resumed.backfill).toMatchObject({ state: 'BACKFILL_STATE_RUNNING' })
    const end = (await watched(client, backfill.backfillId)).at(-1)
    expect(end).toMatchObject({ state: 'BACKFILL_STATE_COMPLETED', scanned: subjects, published: subjects })
    const requests = await house.heard(house.topics.deliveries(recipientId('agency')), 'heed.delivery.requested.v1')
    expect(new Set(requests.map(({ subjectId }) => subjectId)).size).toBe(subjects)
    // a stop between the publication and the note of a piece repeats that piece
    expect(requests.length).toBeLessThanOrEqual(subjects + 20)
  })

  it('goes no faster than it may', async () => {
    const { client } = await start()
    const startedAt = Date.now()
    const backfill = await begin(client, 'mailchimp', 25)
    await watched(client, backfill.backfillId)
    // 60 deliveries, 25 a second, the first ones at once
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(((concerned - 25) / 25) * 1_000)
  })

  it('goes on by itself after a restart', async () => {
    const first = await start()
    const backfill = await begin(first.client, 'mailchimp', 10)
    await until(
      () => first.client.listBackfills({}),
      ({ backfills }) => (backfills[0]?.published ?? 0) > 0,
    )
    await first.stop()
    const second = await start()
    const before = (await second.client.listBackfills({})).backfills[0]
    expect(before).toMatchObject({ backfillId: backfill.backfillId, state: 'BACKFILL_STATE_RUNNING' })
    const end = (await watched(second.client, backfill.backfillId)).at(-1)
    expect(end).toMatchObject({ state: 'BACKFILL_STATE_COMPLETED', scanned: concerned })
  })

  it('never overwrites a change that was made meanwhile', async () => {
    const { client, app } = await start()
    const backfill = await begin(client, 'mailchimp', 20)
    // the person changes her mind while the backfill has yet to come to her
    const changed = denial(subject(80), 2)
    await house.publish(changeRecord(house.topics.preferences, changed))
    await app.consumer.caughtUp()
    await watched(client, backfill.backfillId)
    const requests = await house.heard(house.topics.deliveries(recipientId('mailchimp')), 'heed.delivery.requested.v1')
    const hers = requests.filter(({ subjectId }) => subjectId === subject(80))
    // the journal of this play still gave out version 1, and asked for it later
    expect(hers.some(({ version, assertion }) => version === 1 && assertion === startOf(backfill.startedAt))).toBe(true)
    const kept = hers.reduce<(typeof hers)[number] | undefined>((held, arriving) => newest(held, arriving), undefined)
    expect(kept).toMatchObject({ version: 2 })
  })

  it('waits for preferences to come back', async () => {
    const { client } = await start()
    await house.preferences.down()
    const backfill = await begin(client, 'statistics')
    const watching = watched(client, backfill.backfillId)
    await house.preferences.up()
    expect((await watching).at(-1)).toMatchObject({ state: 'BACKFILL_STATE_COMPLETED', scanned: 30 })
  })

  it('runs in one of two processes, and stops there when the other one is asked', async () => {
    const [one, two] = [await start(), await start()]
    const backfill = await begin(two.client, 'agency', 20)
    await until(
      () => one.client.listBackfills({ recipientId: 'agency' }),
      ({ backfills }) => (backfills[0]?.published ?? 0) > 0,
    )
    await two.client.stopBackfill({ backfillId: backfill.backfillId })
    const [stopped] = (await one.client.listBackfills({ recipientId: 'agency' })).backfills
    await one.client.resumeBackfill({ backfillId: backfill.backfillId })
    expect(stopped?.state).toBe('BACKFILL_STATE_STOPPED')
    const end = (await watched(one.client, backfill.backfillId)).at(-1)
    expect(end).toMatchObject({ state: 'BACKFILL_STATE_COMPLETED', published: subjects })
  })

  it('runs once at a time for a recipient, and is what it is once it is complete', async () => {
    const { client } = await start()
    const backfill = await begin(client, 'statistics', 5)
    await expect(client.startBackfill({ recipientId: 'statistics', reason })).rejects.toMatchObject({ code: 9, reason: 'BACKFILL_RUNNING' })
    await client.stopBackfill({ backfillId: backfill.backfillId })
    const other = await begin(client, 'statistics')
    await watched(client, other.backfillId)
    await expect(client.resumeBackfill({ backfillId: other.backfillId })).rejects.toMatchObject({ code: 9, reason: 'BACKFILL_COMPLETED' })
    expect((await client.stopBackfill({ backfillId: other.backfillId })).backfill).toMatchObject({ state: 'BACKFILL_STATE_COMPLETED' })
  })

  it('is stopped where the policy in force no longer names the recipient, and the trail says why', async () => {
    const now = Date.now()
    const row = {
      state: 'running',
      cursor: '',
      scanned: 0,
      published: 0,
      total: 0,
      startedAt: now,
      assertion: now,
      maxPerSecond: 0,
      acts: [],
    }
    const id = '11111111-2222-3333-4444-555555555555'
    await house.mongo
      .collection<{ _id: string }>(`${house.prefix}_propagation`, 'backfills')
      .insertOne({ _id: id, recipientId: 'gone-away', by: 'ops', reason, ...row } as { _id: string })
    const { client } = await start()
    const [last] = (await watched(client, id)).slice(-1)
    expect(last).toMatchObject({ state: 'BACKFILL_STATE_STOPPED', published: 0 })
    const acts = await until(
      () => house.heard(house.topics.acts, 'heed.operator.acted.v1'),
      (told) => told.some(({ recipientId: about }) => about === 'gone-away'),
    )
    expect(acts.find(({ recipientId: about }) => about === 'gone-away')).toMatchObject({
      act: 'backfill-stopped',
      why: 'the policy in force does not name this recipient',
    })
  })

  it('refuses what cannot be', async () => {
    const { client } = await start()
    await expect(client.startBackfill({ recipientId: 'the-law', maxPerSecond: -1, reason: '' })).rejects.toMatchObject({
      violations: [{ field: 'recipient_id' }, { field: 'reason' }, { field: 'max_per_second' }],
    })
    await expect(client.stopBackfill({ backfillId: 'x' })).rejects.toMatchObject({ violations: [{ field: 'backfill_id' }] })
    await expect(client.resumeBackfill({ backfillId: '00000000-0000-0000-0000-000000000000' })).rejects.toMatchObject({
      code: 5,
      reason: 'BACKFILL_UNKNOWN',
    })
    await expect(client.listBackfills({ recipientId: 'No One' })).rejects.toMatchObject({ violations: [{ field: 'recipient_id' }] })
  })
})
