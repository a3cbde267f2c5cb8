import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pageToken, readPageToken } from './page-token.ts'

const place = fc.array(fc.oneof(fc.string(), fc.maxSafeNat()), { maxLength: 3 })

describe('a page token', () => {
  it('stands for its place, in a text that fits into a URL', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), place, (question, at) => {
        const token = pageToken(question, at)
        expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
        if (token.length <= 1_000) expect(readPageToken(question, token)).toEqual(at)
      }),
    )
  })

  it('is refused for another question', () => {
    expect(readPageToken(['mailchimp', ''], pageToken(['google-ads', ''], [1]))).toBeUndefined()
  })

  it('never throws for what is none', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readPageToken(['q'], text)).toBeUndefined()
      }),
    )
    expect(readPageToken(['q'], Buffer.from('[["q"],{}]').toString('base64url'))).toBeUndefined()
  })
})
