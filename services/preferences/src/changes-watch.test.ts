import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { parseResumeToken, resumeToken } from './changes-watch.ts'

describe('a resume token', () => {
  test.prop([fc.nat({ max: 999_999_999 }), fc.nat({ max: 99_999 })])('says the place that it was made of', (batch, index) => {
    const token = resumeToken({ batch, index })
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
    expect(parseResumeToken(token)).toEqual({ batch, index })
  })

  test.prop([fc.string()])('is nothing else', (text) => {
    const place = parseResumeToken(text)
    expect(place === undefined || resumeToken(place) === text).toBe(true)
  })

  it.each([
    '',
    'v1.1.1',
    Buffer.from('v2.1.1').toString('base64url'),
    Buffer.from('v1.01.1').toString('base64url'),
    `${resumeToken({ batch: 1, index: 1 })}=`,
  ])('is not %j', (text) => {
    expect(parseResumeToken(text)).toBeUndefined()
  })
})
