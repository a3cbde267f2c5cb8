import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  changeIdOf,
  deliveryIdOf,
  parseChangeId,
  parseDeliveryId,
  parsePurposeKey,
  parseRecipientId,
  parseSubjectId,
  purposeOf,
  subjectIdOf,
} from './index.ts'
import { ada, key, recipient } from './test-policy.ts'

const random = fc.uint8Array({ minLength: 16, maxLength: 16 })

describe('a subject id', () => {
  it('is made of 16 random bytes, and two ids differ where the bytes do', () => {
    fc.assert(
      fc.property(random, random, (a, b) => {
        expect(parseSubjectId(subjectIdOf(a))).toBe(subjectIdOf(a))
        expect(subjectIdOf(a) === subjectIdOf(b)).toBe(Buffer.from(a).equals(Buffer.from(b)))
      }),
    )
  })

  it('is not made of any other number of bytes', () => {
    expect(() => subjectIdOf(new Uint8Array(15))).toThrow(RangeError)
  })

  it('holds no letter that can be mistaken for another, and nothing else is one', () => {
    for (const text of ['', 's-', ada.toUpperCase(), `${ada}0`, ada.slice(0, -1), `s-${'i'.repeat(26)}`, `x${ada.slice(1)}`, `${ada}\n`]) {
      expect(parseSubjectId(text), JSON.stringify(text)).toBeUndefined()
    }
  })
})

describe('the ids made from it', () => {
  it('fall apart into what they were made of', () => {
    fc.assert(
      fc.property(random, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (bytes, version) => {
        const subjectId = subjectIdOf(bytes)
        expect(parseChangeId(changeIdOf(subjectId, version))).toEqual({ subjectId, version })
        expect(parseDeliveryId(deliveryIdOf(recipient('mailer'), subjectId, version))).toEqual({
          recipientId: 'mailer',
          subjectId,
          version,
        })
      }),
    )
  })

  it('are nothing else: no version 0, no leading zero, no further part', () => {
    for (const version of ['0', '01', '-1', '1.5', '1e3', '', '9007199254740993', '1/2']) {
      expect(parseChangeId(`${ada}/${version}`), version).toBeUndefined()
      expect(parseDeliveryId(`mailer/${ada}/${version}`), version).toBeUndefined()
    }
    expect(parseDeliveryId(`Mailer/${ada}/1`)).toBeUndefined()
    expect(parseDeliveryId(`${ada}/1`)).toBeUndefined()
  })
})

describe('recipient ids and purpose keys', () => {
  it('are lower-case words joined by hyphens', () => {
    for (const text of ['mailer', 'ad-house', 'campaign-manager-360']) {
      expect(parseRecipientId(text)).toBe(text)
      expect(parsePurposeKey(`${text}/a-1`)).toBe(`${text}/a-1`)
    }
    for (const text of ['', '-a', 'a-', 'a--b', 'A', 'a_b', '__proto__', '3d', 'a.b', 'ada@example.org', 'a'.repeat(49)]) {
      expect(parseRecipientId(text), text).toBeUndefined()
    }
    for (const text of ['mail/', '/news', 'mail/news/x', 'mail/ news', `mail/${'a'.repeat(92)}`])
      expect(parsePurposeKey(text), text).toBeUndefined()
  })

  it('know the purpose that they belong to', () => {
    expect(purposeOf(key('mail/news'))).toBe('mail')
    expect(purposeOf(key('mail'))).toBe('mail')
  })
})
