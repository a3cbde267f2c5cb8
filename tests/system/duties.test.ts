import { runHeed } from '@heed/cli'
import { decodeEvent } from '@heed/contracts'
import type { DeliveryStatus__Output } from '@heed/contracts/gen/heed/audit/v1/DeliveryStatus.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestHub, type TestHub } from './test-hub.ts'

let test: TestHub
beforeAll(async () => {
  test = await startTestHub({ environment: { HEED_AUDIT_WATCH_MS: '100' } })
})
afterAll(() => test.stop())

const idfa = (mark: string) => `C0A8F3D2-5B41-4E77-9D0A-${mark.toUpperCase().padStart(12, '0')}`
const device = (mark: string) => ({ identifier: { kind: 'IDENTIFIER_KIND_IDFA' as const, value: idfa(mark) } })
let requests = 0

/** Refuses, or consents to, advertising by interests, which concerns Campaign Manager 360. */
async function choose(mark: string, choice: 'CHOICE_DENIED' | 'CHOICE_GRANTED') {
  test.clock.turn(10)
  const now = test.clock.now()
  const collectedAt = { seconds: Math.floor(now / 1000), nanos: (now % 1000) * 1e6 }
  return test.clients.preferences.setPreferences({
    requestId: `duty:${requests++}`,
    subject: device(mark),
    choices: [{ purpose: 'interest-based-advertising', choice }],
    origin: 'ORIGIN_KIND_PERSON',
    ...(choice === 'CHOICE_GRANTED' ? { evidence: { kind: 'EVIDENCE_KIND_FORM', reference: 'form-1', collectedAt } } : {}),
  })
}

/** Waits until the delivery of a change to Campaign Manager 360 is in this state. */
async function duty(changeId: string, state: DeliveryStatus__Output['state'], recipient = 'campaign-manager-360') {
  let found: DeliveryStatus__Output | undefined
  await test.until(async () => {
    const { status } = await test.clients.audit.getChangeStatus({ changeId }).catch(() => ({ status: null }))
    found = status?.deliveries.find(({ recipientId }) => recipientId === recipient)
    return found?.state === state
  }, `${recipient} is ${state} at ${changeId}`)
  if (found === undefined) throw new Error('no delivery')
  return found
}

/** Runs `heed` against this hub, with everything allowed. */
async function heed(...args: string[]) {
  const written = { out: '', err: '', code: 0 }
  const { preferences, propagation, audit } = test.hub.addresses
  written.code = await runHeed(args, {
    env: {
      HEED_PREFERENCES_ADDRESS: preferences,
      HEED_PROPAGATION_ADDRESS: propagation,
      HEED_AUDIT_ADDRESS: audit,
      HEED_CALLER_KEY: test.hub.keys.operator,
    },
    write: (text) => {
      written.out += text
    },
    writeError: (text) => {
      written.err += text
    },
  })
  return written
}

const resolving = (deliveryId: string) =>
  test.clients.propagation.resolveDelivery({ deliveryId, resolvedBy: 'Lin, advertising', why: 'imported', evidence: 'import:4711' })

describe('a recipient that no program can tell', () => {
  it('gets its duty: with a role, a deadline, a reason and steps; and a named person ends it with evidence', async () => {
    const change = await choose('a1', 'CHOICE_DENIED')
    const owed = await duty(change.changeId, 'DELIVERY_STATE_NEEDS_PERSON')
    expect(owed).toMatchObject({
      settled: false,
      waitReason: 'needs_person',
      lastReason: 'item.manual-duty',
      ownerRole: 'advertising-operations',
    })
    expect(owed.deadlineAt?.seconds).toBeGreaterThan(Date.now() / 1000)

    const listed = await heed('open', '--owner', 'advertising-operations', '--json')
    expect(JSON.parse(listed.out)).toContainEqual(expect.objectContaining({ deliveryId: owed.deliveryId }))
    expect((await heed('open', '--owner', 'advertising-operations')).out).toContain('advertising-operations')
    expect(JSON.parse((await heed('open', '--owner', 'nobody-of-that-name', '--json')).out)).toEqual([])

    const told = (await heed('duty', owed.deliveryId)).out
    expect(told).toContain('a duty of advertising-operations, until 20')
    expect(told).toContain('interest-based-advertising denied')
    expect(told).toContain(`1. Ask for the device ids of this duty: \`heed hand-over ${owed.deliveryId} --to`)
    expect(told).not.toContain(idfa('a1'))

    // without evidence it does not end
    const refused = await heed('resolve', owed.deliveryId, '--by', 'Lin, advertising', '--why', 'imported')
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('say where the proof is')])
    const resolved = await heed('resolve', owed.deliveryId, '--by', 'Lin, advertising', '--why', 'imported', '--evidence', 'import:4711')
    expect([resolved.code, resolved.err]).toEqual([0, ''])
    expect(await duty(change.changeId, 'DELIVERY_STATE_RESOLVED')).toMatchObject({
      settled: true,
      resolvedBy: 'Lin, advertising',
      resolvedEvidence: 'import:4711',
    })
    expect((await heed('duty', owed.deliveryId)).out).toContain('it has ended by Lin, advertising, import:4711: imported')
  })

  it('has the identifiers handed over to that person only, recorded with the name, and on no topic and in no log', async () => {
    const change = await choose('a2', 'CHOICE_DENIED')
    const { deliveryId } = await duty(change.changeId, 'DELIVERY_STATE_NEEDS_PERSON')
    const disclosures = async () =>
      (await test.clients.audit.listSubjectTimeline({ subjectId: change.subjectId, pageSize: 500 })).entries.filter(
        ({ kind, recipientId }) => kind === 'disclosure-made' && recipientId === 'campaign-manager-360',
      )
    await test.hub.settle()
    expect(await disclosures()).toEqual([])
    const handed = await heed('hand-over', deliveryId, '--to', 'Lin, advertising')
    expect(handed.out).toContain(idfa('a2'))
    await test.until(async () => (await disclosures()).length > 0, 'the hand-over is in the trail')
    const [disclosure] = await disclosures()
    expect(JSON.parse(disclosure?.factsJson ?? '')).toMatchObject({
      by: 'operator',
      deliveryId,
      handedTo: { role: 'advertising-operations', person: 'Lin, advertising' },
      identifiers: [{ kind: 'idfa', form: 'raw', count: 1 }],
    })
    let bytes = ''
    await test.hub.kafka.replay({
      topics: new RegExp(`^${test.hub.topicPrefix}\\.`),
      from: 'start',
      handle: async ({ records }) => {
        for (const { value, headers } of records) bytes += `${value?.toString() ?? ''} ${JSON.stringify(headers)}`
      },
    })
    for (const text of [bytes, test.log()]) expect(text.toUpperCase()).not.toContain(idfa('a2'))
  })

  it('has one duty for the newest wish: what was not done is superseded, what was done stays done', async () => {
    const first = await choose('a3', 'CHOICE_DENIED')
    const done = await duty(first.changeId, 'DELIVERY_STATE_NEEDS_PERSON')
    await resolving(done.deliveryId)
    await duty(first.changeId, 'DELIVERY_STATE_RESOLVED')

    const second = await choose('a3', 'CHOICE_GRANTED')
    const undo = await duty(second.changeId, 'DELIVERY_STATE_NEEDS_PERSON')
    expect((await heed('duty', undo.deliveryId)).out).toContain('Take them off the device list')
    const third = await choose('a3', 'CHOICE_DENIED')
    const again = await duty(third.changeId, 'DELIVERY_STATE_NEEDS_PERSON')
    expect(await duty(second.changeId, 'DELIVERY_STATE_SUPERSEDED')).toMatchObject({ settled: true })
    expect(await duty(first.changeId, 'DELIVERY_STATE_RESOLVED')).toMatchObject({ resolvedEvidence: 'import:4711' })
    // an end that comes late, for a version that was overtaken, ends nothing else
    await resolving(undo.deliveryId)
    await test.hub.settle()
    expect(await duty(third.changeId, 'DELIVERY_STATE_NEEDS_PERSON')).toMatchObject({ deliveryId: again.deliveryId, settled: false })
  })

  it('has no duty where nobody could do anything, and where the policy undoes nothing', async () => {
    const optOut = await test.optOut('nodevice@example.org', ['interest-based-advertising', 'public-content'])
    expect(await duty(optOut.changeId, 'DELIVERY_STATE_NOT_APPLICABLE')).toMatchObject({ lastReason: 'not-applicable.no-identifier' })
    await duty(optOut.changeId, 'DELIVERY_STATE_NEEDS_PERSON', 'public')
    const optIn = await test.optIn('nodevice@example.org', ['public-content'])
    expect(await duty(optIn.changeId, 'DELIVERY_STATE_NOT_APPLICABLE', 'public')).toMatchObject({
      lastReason: 'not-applicable.nothing-to-undo',
    })
  })

  it('is owed what an identifier that is linked later makes possible', async () => {
    const { subjectId, changeId } = await test.optOut('later@example.org', ['interest-based-advertising'])
    await duty(changeId, 'DELIVERY_STATE_NOT_APPLICABLE')
    const linked = await test.clients.preferences.linkIdentifiers({
      requestId: 'duty-link',
      subject: { subjectId },
      identifiers: [device('a4').identifier],
      origin: 'ORIGIN_KIND_INTERNAL_SERVICE',
    })
    await duty(linked.changeId, 'DELIVERY_STATE_NEEDS_PERSON')
  })

  it('is a duty again after a restart, and is not made twice', async () => {
    const change = await choose('a5', 'CHOICE_DENIED')
    await duty(change.changeId, 'DELIVERY_STATE_NEEDS_PERSON')
    await test.restart()
    await test.hub.settle()
    const owed = await duty(change.changeId, 'DELIVERY_STATE_NEEDS_PERSON')
    expect(owed.attempts).toBe(1)
    await resolving(owed.deliveryId)
    await duty(change.changeId, 'DELIVERY_STATE_RESOLVED')
  })

  it('raises an alarm at half of its time, at eighty per cent and when it is late, with the role whose duty it is', async () => {
    const change = await choose('a6', 'CHOICE_DENIED')
    const owed = await duty(change.changeId, 'DELIVERY_STATE_NEEDS_PERSON')
    const alarms = () =>
      test
        .log()
        .split('\n')
        .filter((line) => line.includes('"campaign-manager-360"') && line.includes('deadline.'))
        .map((line) => JSON.parse(line) as { step: string; ownerRole?: string; msg: string })
    const untilAlarm = (step: string) => test.until(() => alarms().some((alarm) => alarm.step === step), `the alarm ${step}`)
    const acceptedAt = (owed.acceptedAt?.seconds ?? 0) * 1_000
    const timeMs = (owed.deadlineAt?.seconds ?? 0) * 1_000 - acceptedAt
    for (const [step, share] of [
      ['half', 0.51],
      ['eighty', 0.81],
      ['late', 1.01],
    ] as const) {
      test.clock.turn(acceptedAt + share * timeMs - test.clock.now())
      await untilAlarm(step)
    }
    expect(alarms().every(({ ownerRole }) => ownerRole === 'advertising-operations')).toBe(true)
    await resolving(owed.deliveryId)
  })
})

describe('what the trail keeps of a duty', () => {
  it('is readable: who ended it, why, and where the proof is', async () => {
    const ends: unknown[] = []
    await test.hub.kafka.replay({
      topics: [`${test.hub.topicPrefix}.controls.v1`],
      from: 'start',
      handle: async ({ records }) => {
        for (const record of records) {
          const decoded = decodeEvent(record, ['heed.delivery.resolved.v1'])
          if (decoded.ok) ends.push(decoded.event.data)
        }
      },
    })
    expect(ends).toContainEqual(expect.objectContaining({ by: 'Lin, advertising', why: 'imported', evidence: 'import:4711' }))
  })
})
