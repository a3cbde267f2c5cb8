import { describe, expect, it } from 'vitest'
import { createForgetfulStore, type Fact } from '../frame/store.ts'
import { type AudienceBook, createAudienceBook } from './book.ts'
import type { Key, Person } from './people.ts'

const list = { id: 'l1', name: 'Customers' }
const other = { id: 'l2', name: 'Phones', holds: ['phone'] }
const jane = { addresses: ['jane@example.com'], phones: ['+14155550123'] }
const keysOf = ({ addresses = [], phones = [] }: Person): Key[] => [
  ...addresses.map((address) => `email:${address}`),
  ...phones.map((phone) => `phone:${phone}`),
]

function bookWith(resolvesPeople: boolean, at = { now: 1000 }): AudienceBook {
  const formerKeysOf = ({ addresses = [] }: Person): Key[] => addresses.map((address) => `email:old-${address}`)
  return createAudienceBook([list, other], { keysOf, formerKeysOf, resolvesPeople }, () => at.now, createForgetfulStore)
}
const membership = (book: AudienceBook) => book.about({ address: 'jane@example.com' }).map(({ audienceId, member }) => [audienceId, member])

it('takes a member out by any key that they were added under', () => {
  const book = bookWith(false)
  book.put(list, keysOf(jane))
  expect(book.take(list, ['phone:+14155550123'])).toBe(1)
  expect(book.members(list)).toBe(0)
  expect(book.take(list, ['phone:+14155550123'])).toBe(0)
})

describe('a known person', () => {
  it('is reached by a key that they were not added under, where the vendor resolves people', () => {
    for (const resolves of [true, false]) {
      const book = bookWith(resolves)
      book.know([jane])
      book.put(list, ['email:jane@example.com'])
      book.take(list, ['phone:+14155550123'])
      expect(membership(book)).toEqual([
        ['l1', !resolves],
        ['l2', false],
      ])
    }
  })
  it('stays in under a former key until that very key is taken out', () => {
    const book = bookWith(true)
    book.know([jane])
    book.put(list, ['email:old-jane@example.com'])
    expect(book.recognises(['email:old-jane@example.com'])).toBe(false)
    book.take(list, keysOf(jane))
    expect(membership(book)[0]).toEqual(['l1', true])
    book.take(list, ['email:old-jane@example.com'])
    expect(membership(book)[0]).toEqual(['l1', false])
  })
  it('does not lose their place to somebody who shares a phone with them', () => {
    const book = bookWith(true)
    book.know([jane, { addresses: ['john@example.com'], phones: jane.phones }])
    book.put(list, ['email:john@example.com', 'phone:+14155550123'])
    book.put(list, keysOf(jane))
    book.take(list, ['email:john@example.com'])
    expect(membership(book)[0]).toEqual(['l1', true])
  })
  it('is found by address, phone or hash, and only where an audience could hold them', () => {
    const book = bookWith(true)
    book.know(['mail-only@example.com', jane])
    expect(book.about({ address: 'MAIL-only@example.com' }).map(({ audienceId }) => audienceId)).toEqual(['l1'])
    for (const hash of ['+14155550123', 'jane@example.com']) expect(book.about({ hash })).toHaveLength(2)
    expect(book.about({ address: 'nobody@example.com' })).toEqual([])
  })
})

it('shows members whom it does not know by their keys', () => {
  const book = bookWith(true)
  book.put(list, ['email:someone'])
  expect(book.beliefs()).toMatchObject([{ audienceId: 'l1', keys: ['email:someone'], member: true }])
  expect(book.beliefs()[0]).not.toHaveProperty('address')
  expect(book.about({ hash: 'someone' })).toHaveLength(1)
})

it('lets a membership end by itself', () => {
  const at = { now: 1000 }
  const book = bookWith(true, at)
  book.know([jane])
  book.put(list, keysOf(jane), 2000)
  expect(membership(book)[0]).toEqual(['l1', true])
  at.now = 2000
  expect(membership(book)[0]).toEqual(['l1', false])
})

it('empties an audience of those who were in it at a time', () => {
  const at = { now: 1000 }
  const book = bookWith(true, at)
  book.put(list, ['email:early'])
  at.now = 3000
  book.put(list, ['email:late'])
  book.empty(list, 2000)
  expect(book.beliefs().map(({ keys, member }) => [keys[0], member])).toEqual([
    ['email:early', false],
    ['email:late', true],
  ])
})

it('comes back from its facts as it was', () => {
  const book = bookWith(true)
  book.know([jane])
  book.put(list, keysOf(jane))
  book.put(list, ['email:unknown'])
  book.take(list, ['email:unknown'])
  const again = bookWith(true)
  for (const fact of JSON.parse(JSON.stringify([...book.facts()])) as Fact[]) expect(again.restore(fact)).toBe(true)
  expect(again.beliefs()).toEqual(book.beliefs())
  again.clear()
  expect(again.beliefs()).toEqual([])
  expect(again.audiences()).toHaveLength(2)
})
