import { describe, expect, it } from 'vitest'
import { ManualClock, systemClock } from './index.ts'

describe('ManualClock', () => {
  it('wakes sleepers in order of their time, and those that go to sleep meanwhile', async () => {
    const clock = new ManualClock(0)
    const woken: string[] = []
    const nap = async (name: string, ms: number) => {
      await clock.sleep(ms)
      woken.push(`${name}@${clock.now()}`)
    }
    const naps = [nap('late', 30), nap('early', 10).then(() => nap('again', 10)), nap('never', 100)]
    await clock.advance(50)
    expect(woken).toEqual(['early@10', 'again@20', 'late@30'])
    expect(clock.now()).toBe(50)
    expect(clock.sleeping).toBe(1)
    await clock.advance(50)
    await Promise.all(naps)
  })

  it('wakes a sleeper whose signal is aborted', async () => {
    const clock = new ManualClock(0)
    const abort = new AbortController()
    const slept = clock.sleep(1_000, abort.signal)
    abort.abort()
    await slept
    expect(clock.sleeping).toBe(0)
  })
})

describe('systemClock', () => {
  it('returns at once when the signal is aborted, before or during the sleep', async () => {
    const abort = new AbortController()
    const slept = systemClock.sleep(60_000, abort.signal)
    abort.abort()
    await slept
    await systemClock.sleep(60_000, abort.signal)
  })

  it('does not take a sleep beyond the longest timer for none', async () => {
    const abort = new AbortController()
    let awake = false
    const slept = systemClock.sleep(2 ** 40, abort.signal).then(() => {
      awake = true
    })
    await systemClock.sleep(5)
    expect(awake).toBe(false)
    abort.abort()
    await slept
  })
})
