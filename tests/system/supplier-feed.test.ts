import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestHub, type TestHub } from './test-hub.ts'

let test: TestHub
beforeAll(async () => {
  test = await startTestHub({ connectors: ['supplier-feed'] })
})
afterAll(() => test.stop())
afterEach(() => {
  partners().behave()
  partners().releaseCalls()
})

const partners = () => test.sandbox.supplierFeed.control
const statesAt = (partner: string, address: string) =>
  partners()
    .person({ address })
    .filter((belief) => belief.partner === partner)
    .map(({ purpose, state }) => `${purpose} ${state}`)
    .sort()
const deliveryOf = async (changeId: string, recipient: string) => {
  // the trail may not have heard of it yet
  const { status } = await test.clients.audit.getChangeStatus({ changeId }).catch(() => ({ status: null }))
  return status?.deliveries.find(({ recipientId }) => recipientId === recipient)
}
const stands = (changeId: string, recipient: string, state: string) =>
  test.until(async () => (await deliveryOf(changeId, recipient))?.state === `DELIVERY_STATE_${state}`, `${recipient} is ${state}`)
const waits = (changeId: string, recipient: string, ...reasons: string[]) =>
  test.until(
    async () => {
      const delivery = await deliveryOf(changeId, recipient)
      return delivery?.settled === false && reasons.includes(delivery.waitReason ?? '')
    },
    `${recipient} waits because of ${reasons.join(' or ')}`,
  )
const feeds = ['supplier-sharing', 'promotional-partners', 'affiliate-sharing']

describe('partners with a feed', () => {
  it('are each told in their own way: confirmed in the answer, or by a call afterwards', async () => {
    const change = await test.optOut('ada@example.org', feeds)
    for (const recipient of ['product-suppliers', 'promotional-partners', 'affiliates'])
      await stands(change.changeId, recipient, 'CONFIRMED')
    expect(statesAt('product-suppliers', 'ada@example.org')).toEqual(['supplier-sharing opted-out'])
    expect(statesAt('promotional-partners', 'ada@example.org')).toEqual(['promotional-partners opted-out'])
    expect(statesAt('affiliates', 'ada@example.org')).toEqual(['affiliate-sharing opted-out'])
    const back = await test.optIn('ada@example.org', ['supplier-sharing'])
    await stands(back.changeId, 'product-suppliers', 'CONFIRMED')
    expect(statesAt('product-suppliers', 'ada@example.org')).toEqual(['supplier-sharing opted-in'])
    expect(partners().ignored()).toEqual({ repeated: 0, stale: 0 })
    expect(test.log()).not.toContain('ada@example.org')
  })
})

describe('a partner that is throttled', () => {
  it('delays no other, and is told when it may be', async () => {
    partners().misbehave({ kind: 'rate-limited', retryAfterSeconds: 600, count: 1, match: { path: 'product-suppliers' } })
    const change = await test.optOut('bob@example.org', feeds)
    await stands(change.changeId, 'promotional-partners', 'CONFIRMED')
    await waits(change.changeId, 'product-suppliers', 'rate_limited')
    expect(statesAt('product-suppliers', 'bob@example.org')).toEqual([])
    test.clock.turn(601_000)
    await stands(change.changeId, 'product-suppliers', 'CONFIRMED')
  })
})

describe('a secret that is revoked', () => {
  it('rejects nobody, and everything goes out once it is good again', async () => {
    partners().misbehave({ kind: 'revoked-key', match: { path: 'product-suppliers' } })
    const change = await test.optOut('cy@example.org', feeds)
    await waits(change.changeId, 'product-suppliers', 'auth_failed')
    await stands(change.changeId, 'promotional-partners', 'CONFIRMED')
    partners().behave()
    test.clock.turn(3_600_000)
    await stands(change.changeId, 'product-suppliers', 'CONFIRMED')
  })
})

describe('a partner that applied and never answered', () => {
  it('is told once more under the same id, and takes it once', async () => {
    const before = partners().ignored().repeated
    partners().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1, match: { path: 'promotional-partners' } })
    const change = await test.optOut('dee@example.org', ['promotional-partners'])
    await waits(change.changeId, 'promotional-partners', 'unknown_outcome')
    expect(statesAt('promotional-partners', 'dee@example.org')).toEqual(['promotional-partners opted-out'])
    test.clock.turn(3_600_000)
    await stands(change.changeId, 'promotional-partners', 'CONFIRMED')
    expect(partners().ignored().repeated).toBe(before + 1)
  })
})

describe('a partner’s call', () => {
  it('that is late confirms when it comes; a forged, a stale and a repeated one change nothing', async () => {
    partners().holdCalls()
    const change = await test.optOut('eve@example.org', ['affiliate-sharing'])
    await waits(change.changeId, 'affiliates', 'awaiting_confirmation')
    expect(await deliveryOf(change.changeId, 'affiliates')).toMatchObject({ state: 'DELIVERY_STATE_ACCEPTED' })
    const requestId = partners().calls().at(-1)?.requestId ?? ''
    expect(await partners().call('affiliates', requestId, 'completed', { forged: true })).toBe(403)
    expect(await partners().call('affiliates', requestId, 'completed', { tampered: true })).toBe(403)
    expect(await partners().call('affiliates', requestId, 'completed', { agedSeconds: 900 })).toBe(403)
    expect(await partners().call('affiliates', requestId, 'in_progress')).toBe(200)
    test.clock.turn(86_400_000)
    expect(await deliveryOf(change.changeId, 'affiliates')).toMatchObject({ settled: false })
    partners().releaseCalls()
    await stands(change.changeId, 'affiliates', 'CONFIRMED')
    expect(await partners().call('affiliates', requestId, 'failed')).toBe(200)
    await test.hub.settle()
    await stands(change.changeId, 'affiliates', 'CONFIRMED')
  })

  it('that comes before the answer counts', async () => {
    partners().misbehave({ kind: 'call-first', count: 1 })
    const change = await test.optOut('fay@example.org', ['affiliate-sharing'])
    test.clock.turn(3_000)
    await stands(change.changeId, 'affiliates', 'CONFIRMED')
  })

  it('that says failed brings it to a person', async () => {
    partners().misbehave({ kind: 'call-fails', count: 1 })
    const change = await test.optOut('gus@example.org', ['affiliate-sharing'])
    await stands(change.changeId, 'affiliates', 'NEEDS_PERSON')
  })
})

describe('an endpoint that is gone', () => {
  it('is paused at once, its deliveries stay open, and they go out when an operator lets it go on', async () => {
    partners().misbehave({ kind: 'gone', match: { path: 'promotional-partners' } })
    const change = await test.optOut('hal@example.org', ['promotional-partners'])
    await waits(change.changeId, 'promotional-partners', 'paused')
    const asked =
      partners()
        .requestTotals()
        .find(({ status }) => status === 410)?.requests ?? 0
    const second = await test.optOut('ida@example.org', ['promotional-partners'])
    await waits(second.changeId, 'promotional-partners', 'paused')
    for (let day = 0; day < 6; day += 1) test.clock.turn(86_400_000)
    await test.hub.settle()
    expect(
      partners()
        .requestTotals()
        .find(({ status }) => status === 410)?.requests,
    ).toBe(asked)
    partners().behave()
    await test.clients.propagation.resumeRecipient({ recipientId: 'promotional-partners', reason: 'it has a new address' })
    for (const { changeId } of [change, second]) await stands(changeId, 'promotional-partners', 'CONFIRMED')
  })
})
