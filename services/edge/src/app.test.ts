import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mintUnsubscribeToken, parseLinkKeys } from '@heed/contracts'
import { ManualClock } from '@heed/platform/clock'
import { type RunningPart, startAll } from '@heed/platform/lifecycle'
import { createLogger } from '@heed/platform/log'
import { createMetrics, type Metrics } from '@heed/platform/metrics'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type EdgeApp, edgeApp } from './app.ts'
import type { Click } from './click.ts'
import type { LinkUseResult } from './forwarder.ts'

const keys = parseLinkKeys(`k1:${Buffer.alloc(32, 1).toString('base64')}`)
const [key] = keys
if (key === undefined) throw new Error('a key')
const linkOf = (number: number) =>
  `/v1/u/${mintUnsubscribeToken({ linkRef: number.toString(16).padStart(32, '0'), scope: 'all', issuedAtSeconds: 1_764_000_000 }, key)}`

let dataDir: string
let running: RunningPart
let edge: EdgeApp
let metrics: Metrics
let clock: ManualClock
let lines: string[]
/** Preferences as it is played here: away, or with an answer for every click. */
let away: boolean
let answer: LinkUseResult
let journal: Click[]

const start = async (spoolMaxBytes = 1_000_000) => {
  metrics = createMetrics()
  edge = edgeApp({
    port: 0,
    host: '127.0.0.1',
    dataDir,
    spoolMaxBytes,
    degradedAfterMs: 60_000,
    trustedProxies: 0,
    invalidPerMinute: 60,
    keys: () => keys,
    preferences: {
      use: async (clicks) => {
        if (away) throw new Error('away')
        journal.push(...clicks)
        return clicks.map(() => answer)
      },
      titles: async () => {
        if (away) throw new Error('away')
        return new Map([['email-marketing/newsletter', 'The newsletter']])
      },
      close: () => undefined,
    },
    log: createLogger('edge', { level: 'info', destination: { write: (line: string) => void lines.push(line) } }),
    clock,
    metrics,
  })
  running = await startAll(edge.parts, createLogger('test', { level: 'silent' }))
}
const post = async (number: number) => {
  const { status, headers } = await fetch(`${edge.server.url}${linkOf(number)}`, {
    method: 'POST',
    body: 'List-Unsubscribe=One-Click',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  return [status, headers.get('retry-after')]
}
const logged = () => lines.join('')
const figure = async (name: string) => {
  const line = (await metrics.read()).split('\n').find((text) => text.startsWith(`${name} `))
  return Number(line?.split(' ').at(-1))
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'heed-edge-'))
  clock = new ManualClock()
  lines = []
  away = false
  answer = 'changed'
  journal = []
  await start()
})
afterEach(async () => {
  await running.stop()
  await rm(dataDir, { recursive: true, force: true })
})

describe('a click', () => {
  it('is journalled right after it was answered: nobody waits for an interval', async () => {
    expect(await post(1)).toEqual([200, null])
    // the clock of the edge stands still: whatever waited for time would wait for ever
    await vi.waitUntil(() => journal.length === 1)
    expect(journal).toMatchObject([{ linkRef: '1'.padStart(32, '0'), method: 'one-click', keyId: 'k1' }])
    await vi.waitUntil(async () => (await figure('heed_edge_journalled_total{result="changed"}')) === 1)
  })

  it('is answered 200 while preferences is away, waits in the spool, and outlives the process', async () => {
    away = true
    expect(await Promise.all([post(1), post(2), post(3)])).toEqual(Array(3).fill([200, null]))
    expect([await figure('heed_edge_spooled_clicks'), edge.spooled()]).toEqual([3, 3])
    expect(await figure('heed_edge_spool_bytes')).toBeGreaterThan(300)
    await running.stop()
    away = false
    await start()
    await edge.settle()
    expect(journal.map(({ linkRef }) => linkRef).sort()).toEqual(['1', '2', '3'].map((text) => text.padStart(32, '0')))
    expect(logged()).toContain('spool.opened-filled')
  })

  it('is answered 503 with Retry-After within the three seconds of mailbox providers, where neither disk nor preferences takes it', async () => {
    await running.stop()
    await start(100)
    away = true
    const startedAt = performance.now()
    expect(await post(1)).toEqual([503, '30'])
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    away = false
    await clock.advance(60_000)
    expect((await post(2))[0]).toBe(200)
    expect(journal.map(({ linkRef }) => linkRef)).toEqual(['2'.padStart(32, '0')])
  })

  it.each([
    ['erased', false],
    ['unknown', true],
  ] as const)('of somebody %s was answered 200, is counted, and says nothing about the person', async (result, warned) => {
    answer = result
    expect(await post(7)).toEqual([200, null])
    await vi.waitUntil(async () => (await figure(`heed_edge_journalled_total{result="${result}"}`)) === 1)
    expect(logged()).toContain(`"${result}":1`)
    expect(logged().includes('clicks.of-nobody')).toBe(warned)
    expect(logged()).not.toContain('7'.padStart(32, '0'))
    expect(logged()).not.toContain(linkOf(7))
  })
})

describe('the readiness', () => {
  it('says degraded, and stays ready, when a click has waited for too long', async () => {
    expect(await edge.readiness()).toEqual([{ name: 'spool', ok: true }])
    away = true
    await post(1)
    expect(await edge.readiness()).toEqual([{ name: 'spool', ok: true }])
    await clock.advance(61_000)
    expect(await edge.readiness()).toMatchObject([{ ok: true, degraded: true, detail: 'clicks that wait: 1, the oldest for 61 s' }])
    expect(await figure('heed_edge_spool_oldest_seconds')).toBe(61)
    away = false
    await clock.advance(60_000)
    await edge.settle()
    expect(await edge.readiness()).toEqual([{ name: 'spool', ok: true }])
  })

  it('is lost only while neither the spool nor preferences takes a click', async () => {
    await running.stop()
    await start(100)
    away = true
    await post(1)
    expect(await edge.readiness()).toMatchObject([{ ok: false }])
    away = false
    expect(await edge.readiness()).toMatchObject([{ ok: true }])
  })
})
