import { describe, expect, it } from 'vitest'
import { freshDatabaseName, freshTopicPrefix } from './fresh.ts'

describe.each([
  ['freshDatabaseName', freshDatabaseName, 63],
  ['freshTopicPrefix', freshTopicPrefix, 99],
])('%s', (_, fresh, limit) => {
  it('never gives the same name twice', () => {
    expect(new Set(Array.from({ length: 1000 }, () => fresh('inbox'))).size).toBe(1000)
  })

  it('begins with the prefix, without characters that a database or topic may not have', () => {
    expect(fresh('a b/c.d$"\u00e9')).toMatch(/^a-b-c-d----[0-9a-f]{12}$/)
  })

  it('keeps to the limit and stays unique there', () => {
    const names = [fresh('x'.repeat(300)), fresh('x'.repeat(300))]
    expect(names.map((name) => name.length)).toEqual([limit, limit])
    expect(names[0]).not.toBe(names[1])
  })
})
