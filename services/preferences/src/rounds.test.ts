import { ManualClock } from '@heed/platform/clock'
import { describe, expect, it } from 'vitest'
import { rounds } from './rounds.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Rounds that take all that is ready and end when they are told to. */
function play(options: { most?: number; worthOne?: number } = {}) {
  const clock = new ManualClock()
  const sizes: number[] = []
  const ends: (() => void)[] = []
  let ready = 0
  const { poke } = rounds({
    ready: () => ready,
    begin: () => {
      const size = ready
      ready = 0
      sizes.push(size)
      return { size, done: new Promise<void>((resolve) => ends.push(resolve)) }
    },
    most: options.most ?? 2,
    worthOne: options.worthOne ?? 10,
    clock,
  })
  return {
    clock,
    sizes,
    arrive: (count: number) => {
      ready += count
      poke()
    },
    /** The oldest round ends, after it took so long. */
    end: async (ms: number) => {
      await clock.advance(ms)
      ends.shift()?.()
      await turn()
    },
  }
}

describe('a round', () => {
  it('begins at once for whoever comes alone, again and again', async () => {
    const { sizes, arrive, end } = play()
    for (let time = 0; time < 3; time += 1) {
      arrive(1)
      expect(sizes).toHaveLength(time + 1)
      await end(8)
    }
    expect(sizes).toEqual([1, 1, 1])
  })

  it('gathers what comes while another is under way', async () => {
    const { sizes, arrive, end } = play()
    arrive(1)
    arrive(4)
    arrive(4)
    expect(sizes).toEqual([1])
    await end(8)
    expect(sizes).toEqual([1, 8])
  })

  it('goes beside another one when enough has gathered, and never beside more than may be', () => {
    const { sizes, arrive } = play({ most: 2, worthOne: 10 })
    arrive(1)
    arrive(9)
    expect(sizes).toEqual([1])
    arrive(1)
    expect(sizes).toEqual([1, 10])
    arrive(50)
    expect(sizes).toEqual([1, 10])
  })

  it('waits a quarter of the last one’s time for those who were answered together', async () => {
    const { sizes, arrive, end, clock } = play()
    arrive(3)
    await end(8)
    arrive(2)
    expect(sizes).toEqual([3])
    arrive(1)
    expect(sizes).toEqual([3, 3])
    await end(8)
    arrive(2)
    await clock.advance(2)
    expect(sizes).toEqual([3, 3, 2])
  })

  it('waits no longer than five milliseconds, and for nobody who has not come for fifty', async () => {
    const { sizes, arrive, end, clock } = play()
    arrive(3)
    await end(1_000)
    arrive(1)
    await clock.advance(4)
    expect(sizes).toEqual([3])
    await clock.advance(1)
    expect(sizes).toEqual([3, 1])
    await end(8)
    arrive(1)
    await end(8)
    expect(sizes).toEqual([3, 1, 1])
    arrive(5)
    await end(8)
    await clock.advance(50)
    arrive(1)
    expect(sizes).toEqual([3, 1, 1, 5, 1])
  })
})
