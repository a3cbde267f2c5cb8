import { createHash } from 'node:crypto'
import { type Grant, type Identifier, parseIdentifier, parseRecipientId, type Recipient } from '@heed/domain'
import { describe, expect, it } from 'vitest'
import { disclosureOf } from './acts.ts'
import { formsOf, handedTo } from './resolve-identifiers.ts'

const identifier = (kind: string, text: string): Identifier => {
  const parsed = parseIdentifier(kind, text)
  if (!parsed.ok) throw new Error(parsed.message)
  return parsed.identifier
}
const id = parseRecipientId('a-partner')
if (id === undefined) throw new Error('unreachable')
const recipient = (grants: readonly Grant[]): Recipient => ({
  id,
  title: 'A partner',
  role: 'controller',
  clause: '4',
  quote: '',
  purposes: [],
  grants,
  deadline: { hours: 24 },
  fulfilment: { by: 'connector', connector: 'hashed-email', settings: {} },
})
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const everything = [
  identifier('email', 'Ada@Example.org'),
  identifier('email', 'ada.l+x@gmail.com'),
  identifier('phone', '+442071838750'),
  identifier('user-id', 'U-1'),
]

describe('what is handed over', () => {
  it('is nothing where nothing is granted', () => {
    expect(handedTo(recipient([]), everything)).toEqual([])
  })

  it('is each granted kind in each granted form, and no other', () => {
    expect(
      handedTo(
        recipient([
          { kind: 'email', form: 'plain-sha256-hex' },
          { kind: 'user-id', form: 'raw' },
        ]),
        everything,
      ),
    ).toEqual([
      { kind: 'email', form: 'plain-sha256-hex', value: sha256('ada@example.org') },
      { kind: 'email', form: 'plain-sha256-hex', value: sha256('ada.l+x@gmail.com') },
      { kind: 'user-id', form: 'raw', value: 'U-1' },
    ])
  })

  it('has every value once', () => {
    const same = [identifier('email', 'Ada@example.org'), identifier('email', 'ada@EXAMPLE.org')]
    expect(handedTo(recipient([{ kind: 'email', form: 'plain-sha256-hex' }]), same)).toHaveLength(1)
  })

  it('says of a value whether its rule is the one of today, so that nobody is added to a list by an old one', () => {
    const grants = [{ kind: 'email', form: 'google-sha256-hex' }] as const
    expect(handedTo(recipient(grants), [identifier('email', 'ada.l+x@gmail.com'), identifier('email', 'ada@example.org')])).toEqual([
      { kind: 'email', form: 'google-sha256-hex', value: sha256('adal@gmail.com') },
      { kind: 'email', form: 'google-sha256-hex', value: sha256('adal+x@gmail.com'), former: true },
      { kind: 'email', form: 'google-sha256-hex', value: sha256('ada@example.org') },
    ])
  })

  it('is counted by kind and form, without a value', () => {
    const handed = handedTo(recipient([{ kind: 'email', form: 'raw' }]), everything)
    expect(formsOf(handed)).toEqual([{ kind: 'email', form: 'raw', count: 2 }])
    expect(JSON.stringify(disclosureOf([{ subjectId: 's-1' as never, forms: formsOf(handed) }]))).not.toContain('example')
  })
})

describe('a disclosure of many', () => {
  it('keeps equal lists once', () => {
    const forms = [{ kind: 'email', form: 'raw', count: 1 }] as const
    const other = [{ kind: 'email', form: 'raw', count: 2 }] as const
    expect(disclosureOf([1, 2, 3].map((n) => ({ subjectId: `s-${n}` as never, forms: n === 2 ? other : [...forms] })))).toEqual({
      forms: [forms, other],
      items: [
        { subjectId: 's-1', form: 0 },
        { subjectId: 's-2', form: 1 },
        { subjectId: 's-3', form: 0 },
      ],
    })
  })
})
