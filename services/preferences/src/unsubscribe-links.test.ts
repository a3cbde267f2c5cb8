import { type Policy, parsePurposeKey } from '@heed/domain'
import { beforeAll, describe, expect, it } from 'vitest'
import { housePolicy } from './harness.ts'
import { deniedBy } from './unsubscribe-links.ts'

let policy: Policy
beforeAll(async () => {
  policy = await housePolicy()
})
const key = (text: string) => {
  const parsed = parsePurposeKey(text)
  if (parsed === undefined) throw new Error('no key')
  return parsed
}

describe('a click', () => {
  it.each([
    ['all', 'email-marketing'],
    ['email-marketing/newsletter', 'email-marketing/newsletter'],
    ['analytics', 'analytics'],
  ])('on a link about %s denies %s', (scope, denied) => {
    expect(deniedBy(policy, scope === 'all' ? 'all' : key(scope))).toBe(denied)
  })

  it.each([
    ['a topic that is gone', 'email-marketing/gone', 'email-marketing'],
    ['a purpose that is gone', 'gone', 'email-marketing'],
    ['a purpose that cannot be refused', 'service-email', 'email-marketing'],
  ])('on a link about %s still denies something', (_, scope, denied) => {
    expect(deniedBy(policy, key(scope))).toBe(denied)
  })
})
