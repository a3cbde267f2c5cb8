import { expect, it } from 'vitest'
import { createRouter } from './router.ts'

const match = createRouter([
  { method: 'GET', template: '/3.0/lists/{list}', handler: 'list' },
  { method: 'GET', template: '/3.0/lists/{list}/members/{hash}', handler: 'member' },
  { method: 'GET', template: '/3.0/lists/{list}/members/all', handler: 'all' },
  { method: 'POST', template: '/v1/properties/{property}:delete', handler: 'delete' },
  { method: 'GET', template: '/v1/act_{account}', handler: 'account' },
  { method: 'GET', template: '/v1/{audience}', handler: 'audience' },
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

it('takes a parameter out of the literal text around it, and prefers that to a bare one', () => {
  expect(match('POST', '/v1/properties/312:delete')).toMatchObject({ handler: 'delete', parameters: { property: '312' } })
  expect(match('POST', '/v1/properties/:delete')).toEqual({ kind: 'unknown' })
  expect(match('GET', '/v1/act_7')).toMatchObject({ handler: 'account', parameters: { account: '7' } })
  expect(match('GET', '/v1/7')).toMatchObject({ handler: 'audience', parameters: { audience: '7' } })
})
