import { describe, expect, it } from 'vitest'
import { SettingsError } from './settings.ts'
import { aDescriptor } from './testing.fixture.ts'
import { separateUpkeep, upkeepOf } from './upkeep.ts'
import { nextStretchAt } from './worker/keep-up.ts'

const readable = aDescriptor({ readBack: { afterSeconds: 60, maxTasks: 10, share: 0.1 } })
const never = { reassertEveryDays: 0, driftSampleEveryHours: 0, driftSampleSize: 0 }

describe('the upkeep of a recipient', () => {
  it('suits its vendor where nothing is said: a sample a day of one that can be read, and what its descriptor says of another', () => {
    expect(upkeepOf({}, readable)).toEqual({ reassertEveryDays: 0, driftSampleEveryHours: 24, driftSampleSize: 50 })
    expect(upkeepOf({}, aDescriptor())).toEqual(never)
    expect(upkeepOf({}, aDescriptor({ reassertEveryDays: 30 }))).toEqual({ ...never, reassertEveryDays: 30 })
  })

  it('is what the policy says, as a number or as the text of a reference; 0 is never', () => {
    expect(upkeepOf({ reassertEveryDays: '7' }, aDescriptor({ reassertEveryDays: 30 })).reassertEveryDays).toBe(7)
    expect(upkeepOf({ driftSampleEveryHours: 0 }, readable).driftSampleEveryHours).toBe(0)
  })

  it.each([
    ['reassertEveryDays', -1, aDescriptor()],
    ['reassertEveryDays', 'weekly', aDescriptor()],
    ['driftSampleSize', 1.5, readable],
    // one that cannot be read, and one that is told everything by its full batches
    ['driftSampleEveryHours', 24, aDescriptor()],
    ['reassertEveryDays', 30, aDescriptor({ batch: { maxTasks: 10, sequenced: true } })],
  ])('%s: %s is refused by its name', (name, value, descriptor) => {
    const given = { [name]: value, ...(value === 24 ? { driftSampleSize: 5 } : {}) }
    expect(() => upkeepOf(given, descriptor)).toThrow(SettingsError)
    expect(() => upkeepOf(given, descriptor)).toThrow(name)
  })

  it('is kept from the connector, whose own settings stay as they are', () => {
    expect(separateUpkeep({ list: 'l-1', reassertEveryDays: 7 })).toEqual({ given: { reassertEveryDays: 7 }, own: { list: 'l-1' } })
  })
})

it('a round is as even as full batches allow, and ends with its interval', () => {
  const at = (seen: number, total = 1_000) => nextStretchAt({ startedAt: 5, total, seen }, 100, 250)
  expect([at(0), at(250), at(500), at(750), at(1_000)]).toEqual([30, 55, 80, 105, 105])
  expect(at(0, 0)).toBe(105)
})
