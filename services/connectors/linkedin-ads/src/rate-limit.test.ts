import type { HttpAnswer } from '@heed/connector-kit'
import { describe, expect, it } from 'vitest'
import { type Refusals, refusedAgain, waitAfterRefusals } from './rate-limit.ts'

const minute = 60_000
const start = Date.UTC(2026, 10, 23, 10)
const midnight = Date.UTC(2026, 10, 24)

/** The waits of a run of refusals, each met as soon as the wait before it is over. */
function waits(count: number, from: number): number[] {
  let refusals: Refusals | undefined
  let now = from
  return Array.from({ length: count }, () => {
    refusals = refusedAgain(refusals, now)
    const wait = refusals.until - now
    now = refusals.until
    return wait / minute
  })
}

describe('a run of refusals for too many requests', () => {
  it('is waited out for a minute, then two, four and eight, and after a quarter of an hour until midnight UTC', () => {
    expect(waits(5, start)).toEqual([1, 2, 4, 8, (midnight - start) / minute - 15])
  })

  it('begins anew after midnight, and not with another day', () => {
    expect(waits(6, start).at(-1)).toBe(1)
    expect(waits(6, midnight - 16 * minute).slice(4)).toEqual([1, 1])
  })

  it('counts requests that were under way together once', () => {
    const first = refusedAgain(undefined, start)
    expect(refusedAgain(first, start + 900)).toBe(first)
  })

  it('is over where nothing was sent for long', () => {
    expect(refusedAgain(refusedAgain(undefined, start), start + 60 * minute).waitMs).toBe(minute)
  })
})

describe('a 429', () => {
  const answer = (status: number, headers: Record<string, string> = {}): HttpAnswer => ({
    via: 'http',
    status,
    headers,
    body: Buffer.alloc(0),
  })

  it('gets the wait that the vendor leaves out, and keeps one that it names', () => {
    const see = waitAfterRefusals(() => start)
    expect(see(answer(429)).headers).toEqual({ 'retry-after': '60' })
    expect(see(answer(429, { 'retry-after': '7' })).headers).toEqual({ 'retry-after': '7' })
    expect(see(answer(503)).headers).toEqual({})
  })

  it('after any other answer is the first again', () => {
    let now = start
    const see = waitAfterRefusals(() => now)
    see(answer(429))
    now += minute
    expect(see(answer(429)).headers).toEqual({ 'retry-after': '120' })
    see(answer(200))
    now += 2 * minute
    expect(see(answer(429)).headers).toEqual({ 'retry-after': '60' })
  })
})
