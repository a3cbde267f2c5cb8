import type { Policy } from '@heed/domain'
import { status } from '@heed/platform/grpc'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { PolicyRow } from './policy-store.ts'
import { denial, subject } from './testing/changes.ts'
import { type House, openHouse, type RunningPropagation, until } from './testing/house.ts'
import { recipientId } from './testing/ids.ts'
import { examplePolicy } from './testing/policy.ts'

let house: House
const running: RunningPropagation[] = []

beforeAll(async () => {
  house = await openHouse('policy')
  for (let number = 1; number <= 20; number += 1) house.preferences.hold(denial(subject(number)))
  for (let number = 21; number <= 25; number += 1) house.preferences.hold(denial(subject(number), 1, 'analytics'))
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})
afterAll(() => house.stop())

async function serve(policy: Policy): Promise<RunningPropagation> {
  const one = await house.propagation(policy)
  running.push(one)
  return one
}

const first = examplePolicy('first')
/** The same with another purpose for one of its recipients. */
function moved(version: string, recipient: string, purposes: readonly string[]): Policy {
  const recipients = first.recipients.map((one) => (one.id === recipient ? { ...one, purposes: purposes as never } : one))
  return { ...first, version, recipients }
}
const second = moved('second', 'mailchimp', ['email-marketing', 'analytics'])
const third = moved('third', 'statistics', ['email-marketing', 'analytics'])

const policies = () => house.mongo.collection<PolicyRow>(`${house.prefix}_propagation`, 'policies')
const assertedTo = async (recipient: string) =>
  (await house.heard(house.topics.deliveries(recipientId(recipient)), 'heed.delivery.requested.v1'))
    .filter(({ assertion }) => assertion > 0)
    .map(({ subjectId }) => subjectId)

describe('a policy', () => {
  it('that is the first one here counts as applied: nobody was told by another one', async () => {
    const { client } = await serve(first)
    expect(await client.applyPolicy({ reason: 'to be sure' })).toMatchObject({ backfills: [], before: { version: 'first' } })
    for await (const told of client.diffPolicy({})) expect(told).toMatchObject({ done: true, recipients: [], purposes: [] })
  })

  it('is refused to be compared with a file that is none, line by line', async () => {
    const { client } = await serve(first)
    const look = async () => {
      for await (const _ of client.diffPolicy({ policyText: 'id: small\nversion: 1\n' })) return
    }
    await expect(look()).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      violations: expect.arrayContaining([{ field: 'policy_text', description: expect.stringMatching(/^2:1 version: must be a text/) }]),
    })
  })

  it('has exactly those told whom it concerns, once, however often it is asked and wherever the first try ended', async () => {
    const { client } = await serve(second)
    const { backfills } = await client.applyPolicy({ reason: 'statistics by mail' })
    expect(backfills.map((backfill) => backfill.recipientId)).toEqual(['mailchimp'])
    const [backfill] = backfills
    for await (const { backfill: seen } of client.watchBackfill({ backfillId: backfill?.backfillId ?? '' }))
      if (seen?.state === 'BACKFILL_STATE_COMPLETED') expect(seen).toMatchObject({ scanned: 25, published: 5 })
    const told = [21, 22, 23, 24, 25].map(subject).sort()
    expect((await assertedTo('mailchimp')).sort()).toEqual(told)
    // as if the process had ended after the backfill was begun and before the policy was noted as applied
    await policies().updateOne(
      { appliedAt: { $exists: true }, application: { $exists: true } },
      { $unset: { appliedAt: 1, application: 1 } },
    )
    const again = await client.applyPolicy({ reason: 'statistics by mail' })
    expect(again.backfills.map(({ backfillId }) => backfillId)).toEqual(backfills.map(({ backfillId }) => backfillId))
    expect(again.backfills[0]?.state).toBe('BACKFILL_STATE_COMPLETED')
    expect((await assertedTo('mailchimp')).sort()).toEqual(told)
    const acts = await house.heard(house.topics.acts, 'heed.operator.acted.v1')
    expect(new Set(acts.filter(({ act }) => act === 'policy-applied').map(({ actId }) => actId)).size).toBe(1)
  })

  it('is not applied while a backfill of a recipient that it concerns is running', async () => {
    const { client } = await serve(third)
    const { backfill } = await client.startBackfill({ recipientId: 'statistics', maxPerSecond: 1, reason: 'slowly' })
    await expect(client.applyPolicy({ reason: 'now' })).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      reason: 'BACKFILL_RUNNING',
      message: expect.stringContaining('statistics'),
    })
    await client.stopBackfill({ backfillId: backfill?.backfillId ?? '' })
    // the purpose that mailchimp has lost again has nobody told
    expect((await client.applyPolicy({ reason: 'now' })).backfills.map((one) => one.recipientId)).toEqual(['statistics'])
  })

  it('by which nobody has to be told counts as applied once it is served', async () => {
    const words = { ...third, version: 'fourth', title: 'Other words' }
    const { client } = await serve(words)
    await until(
      async () => (await client.applyPolicy({ reason: 'to be sure' })).before?.version,
      (version) => version === 'fourth',
    )
    expect(await policies().countDocuments()).toBe(4)
  })
})

describe('a delivery to a recipient that the policy named before', () => {
  it('can still be ended by a named person, and one to a recipient that was never named cannot', async () => {
    const gone = { ...first, version: 'fifth', recipients: first.recipients.filter(({ id }) => id !== 'statistics') }
    const { client } = await serve(gone)
    const end = (recipient: string) =>
      client.resolveDelivery({ deliveryId: `${recipient}/${subject(21)}/1`, resolvedBy: 'privacy-officer', why: 'told by letter' })
    await end('statistics')
    await expect(end('nobody-we-know')).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    const ends = await house.heard(house.topics.controls, 'heed.delivery.resolved.v1')
    expect(ends.map((one) => one.recipientId as string)).toEqual(['statistics'])
  })

  it('of a person needs evidence', async () => {
    const { client } = await serve(first)
    const end = (evidence: string) =>
      client.resolveDelivery({ deliveryId: `agency/${subject(1)}/1`, resolvedBy: 'privacy-officer', why: 'done', evidence })
    for (const evidence of ['', 'a sentence about it']) {
      await expect(end(evidence)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, violations: [{ field: 'evidence' }] })
    }
    await end('ticket:7')
    const ends = await house.heard(house.topics.controls, 'heed.delivery.resolved.v1')
    expect(ends.at(-1)).toMatchObject({ recipientId: 'agency', evidence: 'ticket:7' })
  })
})
