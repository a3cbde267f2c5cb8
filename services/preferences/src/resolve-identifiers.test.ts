import type { Recipient } from '@heed/domain'
import { describe, expect, it } from 'vitest'
import { handedTo } from './resolve-identifiers.ts'

const recipient = (form: string) => ({ grants: [{ kind: 'email', form }] }) as unknown as Recipient
const emails = (...values: string[]) => values.map((value) => ({ kind: 'email' as const, value }))

describe('what a recipient is handed', () => {
  it('says of a value whether its rule is the one of today, so that nobody is added to a list by an old one', () => {
    const handed = handedTo(recipient('google-sha256-hex'), emails('jane.doe+promo@gmail.com', 'ada@example.org'))
    expect(handed.map(({ former }) => former)).toEqual([undefined, true, undefined])
  })

  it('holds each value once, and only the granted kinds', () => {
    expect(handedTo(recipient('plain-sha256-hex'), emails('ada@example.org', 'ADA@example.org'))).toHaveLength(1)
    expect(handedTo(recipient('raw'), [{ kind: 'phone', value: '+14155550123' }])).toEqual([])
  })
})
