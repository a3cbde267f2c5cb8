import { setTimeout as later } from 'node:timers/promises'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { orderedWindow } from './ordered-window.ts'

async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

const collect = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}

describe('an ordered window', () => {
  test.prop([fc.array(fc.nat({ max: 3 }), { maxLength: 40 }), fc.integer({ min: 1, max: 8 })])(
    'answers in the order of the requests, whichever is ready first',
    async (delays, window) => {
      const answers = await collect(
        orderedWindow(from(delays.map((delay, index) => ({ delay, index }))), window, async ({ delay, index }) => {
          await later(delay)
          return index
        }),
      )
      expect(answers).toEqual(delays.map((_, index) => index))
    },
  )

  it('never works on more than its window, and reads none beyond it while nobody takes answers', async () => {
    let read = 0
    let atWork = 0
    let most = 0
    async function* endless() {
      for (;;) yield read++
    }
    const answers = orderedWindow(endless(), 4, async (index) => {
      most = Math.max(most, ++atWork)
      await later(0)
      atWork -= 1
      return index
    })
    for (let index = 0; index < 20; index += 1) expect((await answers.next()).value).toBe(index)
    await later(20)
    expect(most).toBeLessThanOrEqual(4)
    expect(read).toBeLessThanOrEqual(20 + 5)
    await answers.return(undefined)
  })

  it('gives the answers before a failure, then the failure', async () => {
    const answers = orderedWindow(from([1, 2, 3]), 8, async (item) => {
      if (item === 2) throw new Error('broken')
      return item
    })
    expect((await answers.next()).value).toBe(1)
    await expect(answers.next()).rejects.toThrow('broken')
  })

  it('ends with the error of a source that breaks, after the answers to what came before', async () => {
    async function* breaking() {
      yield 1
      throw new Error('cut')
    }
    const answers = orderedWindow(breaking(), 8, async (item) => item)
    expect((await answers.next()).value).toBe(1)
    await expect(answers.next()).rejects.toThrow('cut')
  })
})
