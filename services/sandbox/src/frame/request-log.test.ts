import { expect, it } from 'vitest'
import { createRequestLog, type LoggedRequest } from './request-log.ts'

const request = (n: number, status = 200): LoggedRequest => ({ at: '', method: 'GET', path: '/x', status, items: n, durationMs: 0 })

it('remembers the newest requests in order, and counts all of them', () => {
  const log = createRequestLog(() => undefined)
  for (let n = 1; n <= 10_500; n += 1) log.record(request(n))
  expect(log.recent().length).toBe(10_000)
  expect(log.recent(2).map(({ items }) => items)).toEqual([10_499, 10_500])
  expect(log.recent()[0]?.items).toBe(501)
  expect(log.count()).toBe(10_500)
})

it('adds up requests and items by route and outcome', () => {
  const log = createRequestLog(() => undefined)
  for (const status of [200, 200, 429]) log.record(request(5, status))
  expect(log.totals()).toEqual([
    { method: 'GET', path: '/x', status: 200, requests: 2, items: 10 },
    { method: 'GET', path: '/x', status: 429, requests: 1, items: 5 },
  ])
  log.clear()
  expect([log.count(), log.totals(), log.recent()]).toEqual([0, [], []])
})

it('tells listeners until they have enough', () => {
  const told: number[] = []
  const log = createRequestLog(() => undefined)
  const stop = log.onRequest(({ items }) => told.push(items))
  log.record(request(1))
  stop()
  log.record(request(2))
  expect(told).toEqual([1])
})
