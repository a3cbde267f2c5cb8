import { describe, expect, it } from 'vitest'
import { batchReader } from './batch-reader.ts'

function recorded(concurrency = 1, maxKeys = 10, gatherMs = 0) {
  const reads: (readonly number[])[] = []
  let release: (() => void)[] = []
  let held = false
  const reader = batchReader<number, string>({
    maxKeys,
    concurrency,
    gatherMs,
    read: async (keys) => {
      reads.push(keys)
      if (held) await new Promise<void>((resolve) => release.push(resolve))
      return new Map(keys.filter((key) => key >= 0).map((key) => [key, `v${key}`]))
    },
  })
  return {
    reads,
    reader,
    hold: () => {
      held = true
    },
    letGo: () => {
      held = false
      for (const one of release) one()
      release = []
    },
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('a batch reader', () => {
  it('makes one read of what is asked in the same turn, with each key once', async () => {
    const { reader, reads } = recorded()
    const [one, two] = await Promise.all([reader.load([1, 2]), reader.load([2, 3])])
    expect(reads).toEqual([[1, 2, 3]])
    expect([one.get(1), two.get(3)]).toEqual(['v1', 'v3'])
  })

  it('waits for others where it is told to, and reads nothing for nothing', async () => {
    const { reader, reads } = recorded(1, 10, 20)
    const first = reader.load([1])
    await turn()
    const second = reader.load([2])
    expect(await reader.load([])).toEqual(new Map())
    expect(reads).toEqual([])
    await Promise.all([first, second])
    expect(reads).toEqual([[1, 2]])
  })

  it('begins a new read for what is asked while one runs: an answer is never older than its question', async () => {
    const { reader, reads, hold, letGo } = recorded()
    hold()
    const first = reader.load([1])
    await turn()
    const second = reader.load([1])
    letGo()
    await Promise.all([first, second])
    expect(reads).toEqual([[1], [1]])
  })

  it('keeps a read within its size, unless one call alone is larger', async () => {
    const { reader, reads } = recorded(1, 3)
    await Promise.all([reader.load([1, 2]), reader.load([3, 4]), reader.load([5, 6, 7, 8, 9])])
    expect(reads).toEqual([
      [1, 2],
      [3, 4],
      [5, 6, 7, 8, 9],
    ])
  })

  it('fails only the calls that share a failed read', async () => {
    let broken = true
    const reader = batchReader<number, number>({
      maxKeys: 10,
      concurrency: 1,
      read: async (keys) => {
        if (broken) throw new Error('away')
        return new Map(keys.map((key) => [key, key]))
      },
    })
    await expect(reader.load([1])).rejects.toThrow('away')
    broken = false
    expect((await reader.load([2])).get(2)).toBe(2)
  })
})
