import { expect, it } from 'vitest'
import { createTokenOffice, demoSecret } from './tokens.ts'

it('knows its own tokens until they end, also after a restart', () => {
  let at = 0
  const office = createTokenOffice('heed', 'demo.', () => at)
  const token = office.issue({ scope: 'all' }, 60)
  const restarted = createTokenOffice('heed', 'demo.', () => at)
  for (const one of [office, restarted]) expect(one.check(token)).toEqual({ scope: 'all' })
  at = 60_000
  expect(office.check(token)).toBe('expired')
})

it('refuses tokens that were changed, issued elsewhere or called back', () => {
  const office = createTokenOffice('heed', 'demo.', () => 0)
  const token = office.issue({ scope: 'all' }, 60)
  const other = createTokenOffice('other', 'demo.', () => 0).issue({ scope: 'all' }, 60)
  for (const wrong of ['', 'demo.', 'nonsense', `${token}x`, token.slice(5), other]) expect(office.check(wrong)).toBe('unknown')
  office.recall()
  expect(office.check(token)).toBe('unknown')
  expect(office.check(office.issue({ scope: 'all' }, 60))).toEqual({ scope: 'all' })
})

it('makes the same demo secret for the same seed and name only', () => {
  expect(demoSecret('a', 'token')).toBe(demoSecret('a', 'token'))
  expect(new Set([demoSecret('a', 'token'), demoSecret('b', 'token'), demoSecret('a', 'other')]).size).toBe(3)
})
