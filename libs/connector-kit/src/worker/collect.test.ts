import type { DeliveryId, Outcome } from '@heed/domain'
import { describe, expect, it } from 'vitest'
import type { PlannedRequest } from '../contract.ts'
import { Collector } from './collect.ts'
import type { RequestResult } from './execute.ts'

const id = 'r/s-a/1' as DeliveryId
const request = (name: string): PlannedRequest => ({ via: 'http', intent: 'assert', name, method: 'POST', path: '/', covers: [id] })
const [first, second] = [request('audience.one'), request('audience.two')]
const said = (of: PlannedRequest, outcome: Outcome): RequestResult => ({
  kind: 'read',
  request: of,
  outcomes: new Map([[id, outcome]]),
  job: undefined,
  observed: [],
  needsFull: false,
  durationMs: 5,
})
const none = (of: PlannedRequest): RequestResult => ({
  kind: 'none',
  request: of,
  answer: { via: 'none', sent: true, reason: 'unavailable.timeout' },
  durationMs: 5,
})
const rejected: Outcome = { kind: 'rejected', reason: 'item.refused' }
const accepted: Outcome = { kind: 'accepted', final: true }

function finding(...results: RequestResult[]) {
  const collector = new Collector([id], [first, second])
  const finished = results.map((result) => collector.add(result))
  expect(finished).toEqual([[], [id]])
  return collector.finding(id, 'batch')
}

describe('a delivery of two requests', () => {
  it('awaits a person when one was refused and the other is through', () => {
    expect(finding(said(first, rejected), said(second, accepted))).toMatchObject({ kind: 'said', outcome: rejected })
  })

  it.each([
    ['has no answer', none(second)],
    ['was put off', said(second, { kind: 'deferred', reason: 'unavailable.down' })],
    ['never left', { kind: 'unsent', request: second } as const],
  ])('is tried again first when one was refused and the other %s', (_, other) => {
    for (const results of [
      [said(first, rejected), other],
      [other, said(first, rejected)],
    ]) {
      const found = finding(...results)
      expect(found.kind === 'unanswered' || (found.kind === 'said' && found.outcome.kind === 'deferred')).toBe(true)
    }
  })
})
