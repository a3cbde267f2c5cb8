import { afterEach, expect, it } from 'vitest'
import { type Clock, createClock } from './clock.ts'

const errors: unknown[] = []
const clocks: Clock[] = []
function aClock(): Clock {
  const clock = createClock((error) => errors.push(error))
  clocks.push(clock)
  return clock
}
afterEach(() => {
  for (const clock of clocks.splice(0)) clock.stop()
  errors.length = 0
})

it('is turned forward by what it is told, and never back', async () => {
  const clock = aClock()
  const before = clock.now()
  await clock.advance(86_400)
  expect(clock.now() - before).toBeGreaterThanOrEqual(86_400_000)
  expect(clock.now() - before).toBeLessThan(86_402_000)
  expect(clock.aheadSeconds()).toBe(86_400)
  await expect(clock.advance(-1)).rejects.toThrow('forward only')
})

it('runs what became due in the order of its moments, each at its own moment', async () => {
  const clock = aClock()
  const start = clock.now()
  const ran: [string, number][] = []
  const note = (name: string) => () => void ran.push([name, Math.round((clock.now() - start) / 1000)])
  clock.after(60_000, note('late'))
  clock.after(20_000, () => {
    note('early')()
    clock.after(20_000, note('planned by early'))
  })
  await clock.advance(100)
  expect(ran).toEqual([
    ['early', 20],
    ['planned by early', 40],
    ['late', 60],
  ])
})

it('waits for a task before it turns on', async () => {
  const clock = aClock()
  const ran: string[] = []
  clock.after(1000, async () => {
    await new Promise((resolve) => setImmediate(resolve))
    ran.push('first')
  })
  clock.after(2000, () => void ran.push('second'))
  await clock.advance(10)
  expect(ran).toEqual(['first', 'second'])
})

it('runs tasks by real time too, and not those called off', async () => {
  const clock = aClock()
  let calledOff = false
  clock.after(5, () => {
    calledOff = true
  })()
  await new Promise<void>((resolve) => void clock.after(15, resolve))
  expect(calledOff).toBe(false)
})

it('reports a task that throws and goes on', async () => {
  const clock = aClock()
  let ran = false
  clock.after(1, () => {
    throw new Error('broken')
  })
  clock.after(2, () => {
    ran = true
  })
  await clock.advance(1)
  expect(ran).toBe(true)
  expect(errors).toHaveLength(1)
})

it('takes no timers once stopped', async () => {
  const clock = aClock()
  clock.stop()
  let ran = false
  clock.after(1, () => {
    ran = true
  })
  await clock.advance(10)
  expect(ran).toBe(false)
})
