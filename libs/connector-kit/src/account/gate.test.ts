import { ManualClock } from '@heed/platform/clock'
import { describe, expect, it } from 'vitest'
import { aDescriptor, keptLog } from '../testing.fixture.ts'
import { backoffMs, recheckMs } from './backoff.ts'
import { breakerThreshold, createGate } from './gate.ts'

function open(more = {}) {
  const clock = new ManualClock()
  const log = keptLog()
  let recovered = 0
  const gate = createGate({
    account: 'a',
    descriptor: aDescriptor(more),
    clock,
    log,
    random: () => 0.5,
    onRecovered: () => {
      recovered += 1
    },
  })
  return { gate, clock, log, recovered: () => recovered, events: () => log.lines.map(({ event }) => event) }
}

describe('a gate', () => {
  it('stays open under single failures', () => {
    const { gate, events } = open()
    for (let round = 0; round < 20; round += 1) {
      for (let failure = 1; failure < breakerThreshold; failure += 1) gate.failed('unavailable.down')
      expect(gate.blocked()).toBeUndefined()
      gate.succeeded()
    }
    expect(events()).toEqual([])
  })

  it('shuts after five failures in a row, waits longer each time, and says so once', async () => {
    const { gate, clock, events } = open()
    for (let failure = 0; failure < breakerThreshold; failure += 1) gate.failed('unavailable.down')
    const waits: number[] = []
    for (let round = 0; round < 5; round += 1) {
      const { until, reason } = gate.blocked() ?? { until: 0, reason: 'none' }
      expect(reason).toBe('breaker_open')
      waits.push(until - clock.now())
      await clock.advance(until - clock.now())
      expect([gate.blocked(), gate.probing]).toEqual([undefined, true])
      gate.failed('unavailable.down')
    }
    expect(waits).toEqual([16_000, 32_000, 64_000, 128_000, 150_000])
    expect(events()).toEqual(['recipient.blocked'])
  })

  it('goes by a vendor’s own schedule as often as it was shut, however many requests failed together', async () => {
    const { gate, clock } = open({ retry: { scheduleSeconds: [5, 300, 1_800] } })
    for (let failure = 0; failure < 20; failure += 1) gate.failed('unavailable.down')
    const waits: number[] = []
    for (let round = 0; round < 4; round += 1) {
      const wait = (gate.blocked()?.until ?? 0) - clock.now()
      waits.push(wait)
      await clock.advance(wait)
      gate.failed('unavailable.down')
      gate.failed('unavailable.down')
    }
    expect(waits).toEqual([5_000, 300_000, 1_800_000, 1_800_000])
    await clock.advance(1_800_000)
    gate.succeeded()
    for (let failure = 0; failure < breakerThreshold; failure += 1) gate.failed('unavailable.down')
    expect((gate.blocked()?.until ?? 0) - clock.now()).toBe(5_000)
  })

  it('opens with the first success, and says so once', async () => {
    const { gate, clock, events, recovered } = open()
    for (let failure = 0; failure < breakerThreshold; failure += 1) gate.failed('unavailable.down')
    await clock.advance(400_000)
    gate.succeeded()
    gate.succeeded()
    expect([gate.blocked(), gate.probing, gate.trouble]).toEqual([undefined, false, undefined])
    expect(events()).toEqual(['recipient.blocked', 'recipient.recovered'])
    expect(recovered()).toBe(1)
  })

  it.each(['auth.revoked', 'configuration.no-such-list'] as const)('shuts at once for %s', async (reason) => {
    const { gate, clock } = open()
    gate.failed(reason)
    expect(gate.blocked()).toMatchObject({ reason: 'auth_failed', cause: reason, until: clock.now() + 60_000 })
  })

  it('waits as long as a rate limit says, without an alarm, and a late success of before does not end that', () => {
    const { gate, clock, events } = open()
    gate.failed('unavailable.rate-limited', 30)
    gate.succeeded()
    expect(gate.blocked()).toMatchObject({ reason: 'rate_limited', until: clock.now() + 30_000 })
    gate.failed('unavailable.rate-limited', 10)
    expect(gate.blocked()?.until).toBe(clock.now() + 30_000)
    expect(events()).toEqual([])
  })

  it('can be opened by hand', () => {
    const { gate } = open()
    gate.failed('auth.revoked')
    gate.reset()
    expect(gate.blocked()).toBeUndefined()
  })
})

describe('a back-off', () => {
  it('follows a schedule, jittered by a fifth, and repeats its last step', () => {
    const retry = { scheduleSeconds: [5, 300, 1_800] }
    expect([1, 2, 3, 9].map((failures) => backoffMs({ retry }, failures, 0.5))).toEqual([5_000, 300_000, 1_800_000, 1_800_000])
    expect(backoffMs({ retry }, 1, 0)).toBe(4_000)
    expect(backoffMs({ retry }, 1, 0.999_999)).toBe(6_000)
  })

  it('re-checks refused credentials less and less often', () => {
    expect([1, 2, 3, 4, 5, 20].map(recheckMs)).toEqual([60_000, 120_000, 240_000, 480_000, 900_000, 900_000])
  })
})
