import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { gathered } from './gathered.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('sends what comes within the time as one, in order, and what comes later as the next', async () => {
  const sent: (readonly number[])[] = []
  const send = gathered<number>(async (items) => void sent.push([...items]), 50)
  const first = [send([1]), send([2, 3])]
  await vi.advanceTimersByTimeAsync(49)
  expect(sent).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  await Promise.all(first)
  const second = send([4])
  await vi.advanceTimersByTimeAsync(50)
  await second
  expect(sent).toEqual([[1, 2, 3], [4]])
})

it('tells everybody whose items were in a call that failed, and nobody else', async () => {
  let away = true
  const send = gathered<number>(() => (away ? Promise.reject(new Error('away')) : Promise.resolve()), 50)
  const failed = Promise.allSettled([send([1]), send([2])])
  await vi.advanceTimersByTimeAsync(50)
  expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  away = false
  const well = send([3])
  await vi.advanceTimersByTimeAsync(50)
  await expect(well).resolves.toBeUndefined()
})
