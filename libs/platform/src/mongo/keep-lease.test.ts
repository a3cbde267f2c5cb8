import { describe, expect, it } from 'vitest'
import { ManualClock } from '../clock/index.ts'
import { keepLease } from './lease.ts'

const ttlMs = 10_000

/** Keeps a lease whose renewals answer in turn, and says when each was asked for. */
function kept(answers: readonly (boolean | 'no answer')[]) {
  const clock = new ManualClock(0)
  const stopping = new AbortController()
  const askedAt: number[] = []
  let heldUntil = ttlMs
  const lease = {
    renew: async () => {
      const answer = answers[askedAt.length] ?? true
      askedAt.push(clock.now())
      if (answer === 'no answer') throw new Error('the database is away')
      if (answer) heldUntil = clock.now() + ttlMs
      return answer
    },
    isHeld: () => clock.now() < heldUntil,
  }
  return { clock, stopping, askedAt, end: keepLease(lease, { ttlMs, clock, signal: stopping.signal }) }
}

const seconds = async (clock: ManualClock, count: number) => {
  for (let second = 0; second < count; second += 1) await clock.advance(1_000)
}

describe('a lease that is kept', () => {
  it('is renewed when half of it is over, until nobody wants it any more', async () => {
    const { clock, stopping, askedAt, end } = kept([])
    await seconds(clock, 16)
    expect(askedAt).toEqual([5_000, 10_000, 15_000])
    stopping.abort()
    expect(await end).toBe('over')
  })

  it('is asked for again soon where the database does not answer, and is lost when it has run out', async () => {
    const { clock, stopping, askedAt, end } = kept(['no answer', 'no answer', true])
    await seconds(clock, 12)
    expect(askedAt).toEqual([5_000, 6_000, 7_000, 12_000])
    stopping.abort()
    await end
    const away = kept(Array.from({ length: 20 }, () => 'no answer' as const))
    await seconds(away.clock, 12)
    expect(await away.end).toBe('lost')
    expect(away.askedAt.at(-1)).toBe(10_000)
  })

  it("is lost when it is somebody else's", async () => {
    const { clock, askedAt, end } = kept([true, false])
    await seconds(clock, 11)
    expect(await end).toBe('lost')
    expect(askedAt).toEqual([5_000, 10_000])
  })
})
