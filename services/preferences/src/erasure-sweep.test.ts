import { describe, expect, it } from 'vitest'
import { lookAgainMs, nextStep } from './erasure-sweep.ts'

const times = { optOutWaitMs: 100, limitMs: 1_000 }
const at = (now: number, rest: Partial<Parameters<typeof nextStep>[0]> = {}) =>
  nextStep({ told: false, requestedAt: 0, now, denial: 2, erasure: 0, ...rest }, times)

describe('what an erasure does next', () => {
  it('waits for the opt-outs, for a while', () => {
    expect(at(99)).toEqual({ kind: 'wait', waitingFor: 'opt-outs', openDeliveries: 2 })
    expect(at(99, { denial: undefined })).toEqual({ kind: 'wait', waitingFor: 'audit-unreachable' })
    expect(at(100)).toEqual({ kind: 'tell' })
    expect(at(0, { denial: 0 })).toEqual({ kind: 'tell' })
  })

  it('then waits for the erasures and for opt-outs that are still open', () => {
    expect(at(500, { told: true, erasure: 3 })).toEqual({ kind: 'wait', waitingFor: 'erasures', openDeliveries: 5 })
    expect(at(500, { told: true, denial: 0, erasure: 3 })).toMatchObject({ openDeliveries: 3 })
    expect(at(500, { told: true, denial: 1, erasure: 0 })).toMatchObject({ kind: 'wait', openDeliveries: 1 })
    expect(at(500, { told: true, denial: 0, erasure: undefined })).toEqual({ kind: 'wait', waitingFor: 'audit-unreachable' })
  })

  it('destroys as soon as everybody has settled', () => {
    expect(at(1, { told: true, denial: 0, erasure: 0 })).toEqual({ kind: 'destroy', because: 'recipients-settled', openDeliveries: 0 })
  })

  it('destroys at the limit, whatever is open or unknown, and says how much', () => {
    expect(at(1_000, { told: true, erasure: 3 })).toEqual({ kind: 'destroy', because: 'limit-passed', openDeliveries: 5 })
    expect(at(1_000, { told: true, denial: undefined, erasure: undefined })).toEqual({
      kind: 'destroy',
      because: 'limit-passed',
      openDeliveries: 0,
    })
  })

  it('never destroys before those who can erase were told', () => {
    for (const now of [0, 100, 1_000, 10_000]) for (const denial of [0, 1, undefined]) expect(at(now, { denial }).kind).not.toBe('destroy')
  })

  it('looks again more and more seldom, and once a minute at the least', () => {
    expect([0, 1, 2, 20, 500].map(lookAgainMs)).toEqual([250, 500, 1_000, 60_000, 60_000])
  })
})
