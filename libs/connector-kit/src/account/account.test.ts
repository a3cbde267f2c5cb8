import { ManualClock } from '@heed/platform/clock'
import { describe, expect, it } from 'vitest'
import { aDescriptor, keptLog } from '../testing.fixture.ts'
import { createAccount } from './account.ts'
import { createGate } from './gate.ts'
import { type Limit, minuteLimit } from './limits.ts'

function open(options: { concurrentRequests?: number; limit?: (clock: ManualClock) => Limit; isHeld?: () => boolean } = {}) {
  const clock = new ManualClock()
  const descriptor = aDescriptor({ rate: { concurrentRequests: options.concurrentRequests ?? 2 } })
  const gate = createGate({ account: 'a', descriptor, clock, log: keptLog(), random: () => 0.5, onRecovered: () => undefined })
  const limit = options.limit?.(clock) ?? minuteLimit(1_000, clock)
  return { clock, gate, account: createAccount({ id: 'a', descriptor, gate, limit, clock, isHeld: options.isHeld ?? (() => true) }) }
}

/** Requests that end when they are told to. */
function held() {
  const ends: (() => void)[] = []
  let most = 0
  let now = 0
  const run = async () => {
    now += 1
    most = Math.max(most, now)
    await new Promise<void>((resolve) => ends.push(resolve))
    now -= 1
    return 'sent'
  }
  return {
    run,
    most: () => most,
    begun: () => ends.length,
    endAll: () => {
      for (const end of ends) end()
    },
  }
}
const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}

describe('an account', () => {
  it('has no more requests under way than the vendor allows', async () => {
    const { account } = open({ concurrentRequests: 3 })
    const requests = held()
    const all = Promise.all(Array.from({ length: 10 }, () => account.request(requests.run)))
    for (let round = 0; round < 5; round += 1) {
      await turns()
      requests.endAll()
    }
    expect(await all).toEqual(Array.from({ length: 10 }, () => 'sent'))
    expect(requests.most()).toBe(3)
  })

  it('never lets two through where a limit has room for one, however slowly that is counted', async () => {
    let left = 1
    const slow: Limit = {
      nextAt: () => (left > 0 ? 0 : Number.MAX_SAFE_INTEGER),
      available: () => left,
      spacingMs: () => 0,
      take: async () => {
        await turns()
        left -= 1
      },
    }
    const { account } = open({ concurrentRequests: 5, limit: () => slow })
    const sent = await Promise.all(Array.from({ length: 5 }, () => account.request(async () => 'sent')))
    expect(sent.filter((one) => one === 'sent')).toHaveLength(1)
    expect(left).toBe(0)
  })

  it('lets one request try whether a recipient works again', async () => {
    const { account, gate, clock } = open({ concurrentRequests: 5 })
    for (let failure = 0; failure < 5; failure += 1) gate.failed('unavailable.down')
    await clock.advance(400_000)
    expect([account.openAt() <= clock.now(), account.available()]).toEqual([true, 1])
    const probe = held()
    const all = Promise.all(Array.from({ length: 5 }, () => account.request(probe.run)))
    await turns()
    expect(probe.begun()).toBe(1)
    expect(account.openAt()).toBeGreaterThan(clock.now())
    probe.endAll()
    expect((await all).filter((one) => one === 'sent')).toHaveLength(1)
  })

  it('lets nothing through once it is not this process’s any more', async () => {
    let mine = true
    const { account } = open({ isHeld: () => mine })
    expect(await account.request(async () => 'sent')).toBe('sent')
    mine = false
    expect(await account.request(async () => 'sent')).toBeUndefined()
  })

  it('frees its place when a request throws', async () => {
    const { account } = open({ concurrentRequests: 1 })
    await expect(account.request(() => Promise.reject(new Error('ours')))).rejects.toThrow('ours')
    expect(await account.request(async () => 'sent')).toBe('sent')
  })
})
