import { expect, it } from 'vitest'
import { createRouter } from './router.ts'

const match = createRouter([
  { method: 'GET', template: '/3.0/lists/{list}', handler: 'list' },
  { method: 'GET', template: '/3.0/lists/{list}/members/{hash}', handler: 'member' },
  { method: 'GET', template: '/3.0/lists/{list}/members/all', handler: 'all' },
])

it('takes the variable parts out of a path', () => {
  expect(match('GET', '/3.0/lists/l1/members/a%40b')).toMatchObject({ handler: 'member', parameters: { list: 'l1', hash: 'a@b' } })
})

it('prefers the literal part', () => {
  expect(match('GET', '/3.0/lists/l1/members/all')).toMatchObject({ handler: 'all' })
})

it('tells a wrong method from an unknown path', () => {
  expect(match('POST', '/3.0/lists/l1')).toEqual({ kind: 'method-not-allowed', template: '/3.0/lists/{list}' })
  expect(match('GET', '/3.0/nothing')).toEqual({ kind: 'unknown' })
  expect(match('GET', '/3.0/lists/')).toEqual({ kind: 'unknown' })
})
