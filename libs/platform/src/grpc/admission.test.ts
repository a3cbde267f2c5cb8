import { describe, expect, it } from 'vitest'
import { hashKey, keyMatches, mintKey, parseAuthorization } from './caller-key.ts'
import { scopeCovers, scopesSatisfy } from './scopes.ts'
import { TokenBucket } from './token-bucket.ts'

describe('keys', () => {
  it('are made of 256 random bits and never twice the same', () => {
    const [one, two] = [mintKey('shop-1'), mintKey('shop-1')]
    expect(one).toMatch(/^heed_shop-1_[A-Za-z0-9_-]{43}$/)
    expect(one).not.toBe(two)
  })

  it('match their own hash only', () => {
    const key = mintKey('shop')
    expect(keyMatches(hashKey(key), hashKey(key))).toBe(true)
    expect(keyMatches(hashKey(key), hashKey(mintKey('shop')))).toBe(false)
    expect(keyMatches(hashKey(key), Buffer.alloc(0))).toBe(false)
  })

  it('are found in a header, whatever the secret is made of', () => {
    for (let times = 0; times < 200; times += 1) {
      const key = mintKey('shop-1')
      expect(parseAuthorization(`Bearer ${key}`)).toEqual({ callerId: 'shop-1', key })
    }
  })

  it.each([
    undefined,
    '',
    'Bearer x',
    'Bearer heed__aaaa',
    `Bearer heed_${'a'.repeat(64)}_${'b'.repeat(43)}`,
    `Bearer heed_shop_${'b'.repeat(129)}`,
    Buffer.from('x'),
  ])('are not found in %j', (header) => {
    expect(parseAuthorization(header)).toBeUndefined()
  })
})

describe('scopes', () => {
  it.each([
    ['a:b', 'a:b', true],
    ['*', 'a:b', true],
    ['a:*', 'a:b', true],
    ['a:*', 'a:b:c', true],
    ['a:*', 'a', false],
    ['a:*', 'ab:c', false],
    ['a:b', 'a:bc', false],
    ['a:b', 'a', false],
  ])('%s covers %s: %s', (held, asked, covered) => {
    expect(scopeCovers(held, asked)).toBe(covered)
  })

  it('satisfy any of several, and one that asks for something below', () => {
    expect(scopesSatisfy(['b'], ['a', 'b'])).toBe(true)
    expect(scopesSatisfy(['resolve:x'], 'resolve:*')).toBe(true)
    expect(scopesSatisfy(['resolve:'], 'resolve:*')).toBe(false)
    expect(scopesSatisfy(['resolve'], 'resolve:*')).toBe(false)
    expect(scopesSatisfy([], 'a')).toBe(false)
  })
})

describe('TokenBucket', () => {
  it('gives its burst at once and its rate after that', () => {
    const bucket = new TokenBucket(10, 3, 0)
    expect([bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([0, 0, 0])
    expect(bucket.take(0)).toBeCloseTo(0.1)
    expect(bucket.take(100)).toBe(0)
    expect(bucket.take(100)).toBeGreaterThan(0)
  })

  it('never holds more than its burst', () => {
    const bucket = new TokenBucket(10, 2, 0)
    expect([bucket.take(60_000), bucket.take(60_000)]).toEqual([0, 0])
    expect(bucket.take(60_000)).toBeGreaterThan(0)
  })

  it('gives nothing for a clock that was set back', () => {
    const bucket = new TokenBucket(10, 1, 100_000)
    expect(bucket.take(100_000)).toBe(0)
    expect(bucket.take(0)).toBeGreaterThan(0)
    expect(bucket.take(0)).toBeGreaterThan(0)
  })
})
