import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { gate, shared } from './gathering.ts'

describe('a gate', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('lets the first ones through at once and those behind them together', async () => {
    const pass = gate(100)
    const through: string[] = []
    const come = (name: string) => pass().then(() => through.push(name))
    void come('one')
    void come('two')
    await vi.advanceTimersByTimeAsync(1)
    expect(through).toEqual(['one', 'two'])
    void come('three')
    await vi.advanceTimersByTimeAsync(50)
    void come('four')
    expect(through).toEqual(['one', 'two'])
    await vi.advanceTimersByTimeAsync(60)
    expect(through).toEqual(['one', 'two', 'three', 'four'])
    await vi.advanceTimersByTimeAsync(200)
    void come('five')
    await vi.advanceTimersByTimeAsync(1)
    expect(through).toContain('five')
  })
})

describe('a shared call', () => {
  it('is one for all of a turn, and one more for what comes later', async () => {
    const calls: (readonly number[])[] = []
    const call = shared(async (items: readonly number[]) => {
      calls.push(items)
    })
    await Promise.all([call(1), call(2)])
    await call(3)
    expect(calls).toEqual([[1, 2], [3]])
  })

  it('fails for those that share it, and for no other', async () => {
    const call = shared(async (items: readonly number[]) => {
      if (items.includes(2)) throw new Error('two')
    })
    const [one, two] = await Promise.allSettled([call(1), call(2)])
    expect([one.status, two.status]).toEqual(['rejected', 'rejected'])
    await expect(call(3)).resolves.toBeUndefined()
  })
})
