import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { Lanes } from './lanes.ts'

describe('lanes', () => {
  test.prop([fc.array(fc.tuple(fc.nat(3), fc.nat(2)), { maxLength: 60 })])(
    'give out the work of one key in its order, one at a time, whatever is repeated and when it is finished',
    (steps) => {
      const lanes = new Lanes<number, number>()
      const out = new Map<number, number>()
      const seen = new Map<number, number[]>()
      const added = new Map<number, number[]>()
      let number = 0
      const drain = (finish: (key: number) => void) => {
        for (const [key, work] of lanes.take(10)) {
          expect(out.has(key)).toBe(false)
          out.set(key, work)
        }
        for (const [key, work] of [...out]) {
          out.delete(key)
          const list = seen.get(key) ?? []
          if (list.at(-1) !== work) seen.set(key, [...list, work])
          finish(key)
        }
      }
      for (const [key, how] of steps) {
        number += 1
        lanes.add(key, number)
        added.set(key, [...(added.get(key) ?? []), number])
        if (how === 1) drain((one) => lanes.done(one))
        if (how === 2) drain((one) => lanes.again(one))
      }
      while (lanes.ready > 0) drain((one) => lanes.done(one))
      expect(seen).toEqual(added)
    },
  )

  it('take from no more lanes than asked', () => {
    const lanes = new Lanes<string, number>()
    for (const key of ['a', 'b', 'c']) lanes.add(key, 1)
    expect(lanes.take(2).map(([key]) => key)).toEqual(['a', 'b'])
    expect(lanes.take(2).map(([key]) => key)).toEqual(['c'])
    expect(lanes.take(2)).toEqual([])
  })
})
