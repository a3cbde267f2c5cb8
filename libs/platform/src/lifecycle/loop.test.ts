import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../clock/index.ts'
import { silentLogger } from '../log/index.ts'
import { type Loop, loop } from './index.ts'

const tick = () => new Promise((resolve) => setImmediate(resolve))

let running: Loop | undefined
afterEach(() => running?.stop())

function started(run: (signal: AbortSignal) => Promise<'again' | 'idle'>) {
  const clock = new ManualClock(0)
  running = loop({ name: 'test', everyMs: 1_000, run, log: silentLogger, clock })
  return { clock, loop: running }
}

describe('loop', () => {
  it('runs at once, then at its interval', async () => {
    let runs = 0
    const { clock } = started(async () => {
      runs += 1
      return 'idle'
    })
    await tick()
    expect(runs).toBe(1)
    await clock.advance(999)
    expect(runs).toBe(1)
    await clock.advance(1)
    expect(runs).toBe(2)
  })

  it('goes on without a rest while there is work', async () => {
    let left = 5
    const { loop: work } = started(async () => (--left > 0 ? 'again' : 'idle'))
    await work.settle()
    expect(left).toBeLessThanOrEqual(0)
  })

  it('wakes before its interval, and once more when woken during a run', async () => {
    let runs = 0
    let finish: () => void = () => undefined
    const { loop: work } = started(async () => {
      runs += 1
      if (runs === 2) {
        await new Promise<void>((resolve) => {
          finish = resolve
        })
      }
      return 'idle'
    })
    await tick()
    work.wake()
    await tick()
    expect(runs).toBe(2)
    work.wake()
    finish()
    await tick()
    await tick()
    expect(runs).toBe(3)
  })

  it('settles only after a run that began later', async () => {
    const due: number[] = []
    const done: number[] = []
    const { loop: work } = started(async () => {
      done.push(...due.splice(0))
      return 'idle'
    })
    await tick()
    due.push(7)
    await work.settle()
    expect(done).toEqual([7])
  })

  it('tries again after a throw, later each time', async () => {
    let runs = 0
    const { clock, loop: work } = started(async () => {
      runs += 1
      if (runs <= 2) throw new Error('no')
      return 'idle'
    })
    await tick()
    expect(runs).toBe(1)
    await clock.advance(100)
    expect(runs).toBe(2)
    await clock.advance(100)
    expect(runs).toBe(2)
    await clock.advance(100)
    expect(runs).toBe(3)
    await work.settle()
  })

  it('aborts the run in progress when stopped, waits for it, and runs no more', async () => {
    let ended = false
    const { clock, loop: work } = started(async (signal) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      ended = true
      return 'again'
    })
    await tick()
    const settled = work.settle()
    await work.stop()
    await settled
    expect(ended).toBe(true)
    expect(clock.sleeping).toBe(0)
  })
})
