import { describe, expect, it } from 'vitest'
import { duplicateKeyIndex, isMongoMomentary, isMongoUnavailable } from './index.ts'

describe('duplicateKeyIndex', () => {
  it.each([
    ['E11000 duplicate key error collection: db.c index: subject-version dup key: { subject: "a" }', 'subject-version'],
    ['E11000 duplicate key error collection: db.c index: a_1_b_-1 dup key: { a: "x index: evil dup key: y" }', 'a_1_b_-1'],
    ['E11000 duplicate key error collection: db.c index: name collation: { locale: "en" } dup key: { a: "0x" }', 'name'],
    ['E11000 something new', 'unknown'],
  ])('%s', (errmsg, index) => {
    expect(duplicateKeyIndex({ code: 11_000, errmsg })).toBe(index)
  })

  it('is undefined for any other error', () => {
    expect(duplicateKeyIndex({ code: 121, errmsg: 'index: x dup key:' })).toBeUndefined()
    expect(duplicateKeyIndex(undefined)).toBeUndefined()
  })
})

describe('isMongoUnavailable', () => {
  const named = (name: string, extra: object = {}) => Object.assign(new Error('x'), { name }, extra)

  it('knows a lost network and a lost primary', () => {
    expect(isMongoUnavailable(named('MongoNetworkError'))).toBe(true)
    expect(isMongoUnavailable(named('MongoServerError', { code: 10_107 }))).toBe(true)
  })

  it('looks into the wrapper of a bulk write', () => {
    expect(isMongoUnavailable(named('MongoBulkWriteError', { errorResponse: named('MongoNetworkError') }))).toBe(true)
    expect(isMongoUnavailable(named('X', { cause: named('MongoPoolClearedError') }))).toBe(true)
  })

  it('does not take a refusal for an absence', () => {
    expect(isMongoUnavailable(named('MongoServerError', { code: 11_000 }))).toBe(false)
    expect(isMongoUnavailable('x')).toBe(false)
  })
})

describe('isMongoMomentary', () => {
  const failed = (code: number, extra: object = {}) => Object.assign(new Error('x'), { name: 'MongoServerError', code, ...extra })

  it('knows what the server gave up and would do a moment later, also inside a bulk write', () => {
    expect([112, 246, 365].map((code) => isMongoMomentary(failed(code)))).toEqual([true, true, true])
    expect(isMongoMomentary(Object.assign(new Error('x'), { name: 'MongoBulkWriteError', errorResponse: failed(112) }))).toBe(true)
  })

  it('takes neither a refusal nor an absence for one', () => {
    expect([11_000, 10_107].map((code) => isMongoMomentary(failed(code)))).toEqual([false, false])
    expect(isMongoMomentary({ code: 112 })).toBe(false)
  })
})
