import { expect, it } from 'vitest'
import { bell } from './bell.ts'

it('a bell is heard by those who listen, until they stop', () => {
  const heard: string[] = []
  const rung = bell()
  const stop = rung.listen(() => heard.push('a'))
  rung.listen(() => heard.push('b'))
  rung.ring()
  stop()
  rung.ring()
  expect(heard).toEqual(['a', 'b', 'b'])
})
