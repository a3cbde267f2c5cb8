import { expect, it } from 'vitest'
import { createClock } from './clock.ts'
import { createSwitches, misbehaviourSchema } from './misbehaviour.ts'
import { createRandom } from './random.ts'

const clock = createClock(() => undefined)
const switches = () => createSwitches<'down' | 'slow' | 'poison'>(clock, createRandom(1))

it('is over after its count', () => {
  const some = switches()
  some.turnOn({ kind: 'down', count: 2 })
  expect([1, 2, 3].map(() => some.take('down', {}) !== undefined)).toEqual([true, true, false])
  expect(some.active()).toEqual([])
})

it('counts only the occasions that it fits', () => {
  const some = switches()
  some.turnOn({ kind: 'down', count: 1, match: { method: 'patch', path: '/members/' } })
  expect(some.take('slow', { method: 'PATCH', path: '/lists/members/x' })).toBeUndefined()
  expect(some.take('down', { method: 'GET', path: '/lists/members/x' })).toBeUndefined()
  expect(some.take('down', { method: 'PATCH', path: '/lists' })).toBeUndefined()
  expect(some.take('down', { method: 'PATCH', path: '/lists/members/x' })).toBeDefined()
})

it('finds a person by address in any spelling, or by hash', () => {
  const some = switches()
  some.turnOn({ kind: 'poison', match: { address: ' Ada@Example.com' } })
  some.turnOn({ kind: 'poison', match: { hash: 'abc' } })
  expect(some.take('poison', { address: 'ada@example.com', hash: 'x' })).toBeDefined()
  expect(some.take('poison', { hash: 'abc' })).toBeDefined()
  expect(some.take('poison', { address: 'bob@example.com', hash: 'x' })).toBeUndefined()
})

it('lasts as long as it was told, on the clock that can be turned', async () => {
  const some = switches()
  some.turnOn({ kind: 'down', durationSeconds: 3600 })
  expect(some.isOn('down')).toBe(true)
  await clock.advance(3601)
  expect(some.isOn('down')).toBe(false)
})

it('happens about as often as it is likely, and the same way for the same seed', () => {
  const outcomes = (): boolean[] => {
    const some = switches()
    some.turnOn({ kind: 'down', probability: 0.25 })
    return Array.from({ length: 1000 }, () => some.take('down', {}) !== undefined)
  }
  const happened = outcomes().filter(Boolean).length
  expect(happened).toBeGreaterThan(200)
  expect(happened).toBeLessThan(300)
  expect(outcomes()).toEqual(outcomes())
})

it('tells who waits when everything is switched off', () => {
  const some = switches()
  let told = 0
  const forget = some.onTurnedOff(() => {
    told += 1
  })
  some.turnOn({ kind: 'slow' })
  some.turnOffAll()
  forget()
  some.turnOffAll()
  expect([told, some.active()]).toEqual([1, []])
})

it('refuses kinds and fields that it does not know', () => {
  const schema = misbehaviourSchema(['down'])
  expect(schema.safeParse({ kind: 'down', count: 1 }).success).toBe(true)
  for (const bad of [{ kind: 'sleepy' }, { kind: 'down', count: 0 }, { kind: 'down', probability: 2 }, { kind: 'down', often: true }]) {
    expect(schema.safeParse(bad).success).toBe(false)
  }
})
