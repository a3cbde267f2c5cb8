import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mintUnsubscribeToken, parseLinkKeys } from '@heed/contracts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type EdgeChild, startEdgeChild } from './edge-process.ts'
import { type PlayedPreferences, playPreferences } from './played-preferences.ts'

const HEED_LINK_KEYS = `k1:${Buffer.alloc(32, 1).toString('base64')}`
const [key] = parseLinkKeys(HEED_LINK_KEYS)
if (key === undefined) throw new Error('a key')
const refOf = (number: number) => number.toString(16).padStart(32, '0')
const linkOf = (number: number) =>
  `/v1/u/${mintUnsubscribeToken({ linkRef: refOf(number), scope: 'all', issuedAtSeconds: 1_764_000_000 }, key)}`

let dataDir: string
let preferences: PlayedPreferences
let edges: EdgeChild[]
const start = async (env: Record<string, string> = {}, prefix: readonly string[] = []) => {
  const edge = await startEdgeChild(
    { HEED_LINK_KEYS, HEED_PREFERENCES_ADDRESS: preferences.address, HEED_EDGE_CALLER_KEY: 'heed_edge_x', HEED_DATA_DIR: dataDir, ...env },
    prefix,
  )
  edges.push(edge)
  return edge
}
const emptied = (edge: EdgeChild) =>
  vi.waitUntil(async () => (await edge.figure('heed_edge_spooled_clicks')) === 0, { timeout: 30_000, interval: 50 })

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'heed-edge-alone-'))
  preferences = await playPreferences()
  edges = []
})
afterEach(async () => {
  for (const edge of edges) await edge.kill()
  preferences.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

it('an edge that is killed again and again under load loses no click that it answered, and none counts twice', async () => {
  const answered = new Set<number>()
  let next = 0
  let killedWithClicks = 0
  for (const behaviour of ['well', 'losing-answers', 'away', 'well'] as const) {
    preferences.behave(behaviour)
    const edge = await start()
    let dead = false
    const client = async () => {
      while (!dead) {
        const number = next++
        if ((await edge.post(linkOf(number)))?.status === 200) answered.add(number)
      }
    }
    const clients = Array.from({ length: 12 }, client)
    const before = answered.size
    await vi.waitUntil(() => answered.size >= before + 400, { timeout: 60_000, interval: 1 })
    if ((await edge.figure('heed_edge_spooled_clicks')) > 0) killedWithClicks += 1
    await edge.kill()
    dead = true
    await Promise.all(clients)
  }
  preferences.behave('well')
  await emptied(await start())
  const journalled = preferences.journal.map(({ linkRef }) => linkRef)
  const people = new Set(journalled)
  expect([...answered].filter((number) => !people.has(refOf(number)))).toEqual([])
  // each link was posted once, so that each person is in the journal once, however often the click was sent on
  expect(people.size).toBe(journalled.length)
  // the proof that the faults were there
  expect(killedWithClicks).toBeGreaterThan(0)
  expect(preferences.repeated).toBeGreaterThan(0)
})

it('clicks of one person arrive in their order, though their calls fail and are sent again', async () => {
  preferences.behave('losing-answers')
  const edge = await start()
  const [people, clicks] = [40, 12]
  await Promise.all(
    Array.from({ length: people }, async (_, person) => {
      for (let count = 0; count < clicks; count += 1) expect((await edge.post(linkOf(person)))?.status).toBe(200)
    }),
  )
  await emptied(edge)
  for (let person = 0; person < people; person += 1) {
    const mine = preferences.journal
      .filter(({ linkRef }) => linkRef === refOf(person))
      .map(({ usedAt }) => Number(usedAt?.seconds) * 1e9 + (usedAt?.nanos ?? 0))
    expect(mine).toHaveLength(clicks)
    expect(mine).toEqual(mine.toSorted((a, b) => a - b))
  }
  expect(preferences.repeated).toBeGreaterThan(0)
})

it('a second edge on the same folder does not start, and the first goes on', async () => {
  const edge = await start()
  await expect(start()).rejects.toThrow(/the edge ended with [1-9]/)
  expect((await edge.post(linkOf(1)))?.status).toBe(200)
  await edge.kill()
  // nothing is left behind that would keep the next one out
  expect((await (await start()).post(linkOf(2)))?.status).toBe(200)
})

it('says degraded, not unready, when preferences is away for long', async () => {
  preferences.behave('away')
  const edge = await start({ HEED_EDGE_SPOOL_DEGRADED_SECONDS: '1' })
  expect((await edge.post(linkOf(1)))?.status).toBe(200)
  await vi.waitUntil(async () => (await edge.readiness()).degraded, { timeout: 10_000, interval: 50 })
  expect(await edge.readiness()).toMatchObject({ ok: true, degraded: true })
  preferences.behave('well')
  await emptied(edge)
  expect(await edge.readiness()).toMatchObject({ ok: true, degraded: false })
})

it('stops within its time while preferences hangs, and keeps its clicks', async () => {
  preferences.behave('away')
  const edge = await start()
  for (let number = 0; number < 20; number += 1) await edge.post(linkOf(number))
  const startedAt = performance.now()
  await edge.stop()
  expect(performance.now() - startedAt).toBeLessThan(8_000)
  preferences.behave('well')
  await emptied(await start())
  expect(preferences.journal).toHaveLength(20)
})

// a disk of its own that is full after a megabyte; needs a kernel that lets this user mount one
const ownDisk = [
  'unshare',
  '--user',
  '--map-root-user',
  '--mount',
  'sh',
  '-c',
  'mount -t tmpfs -o size=1m tmpfs "$HEED_DATA_DIR" && exec "$@"',
  'sh',
]
const [unshare = '', ...probe] = ownDisk
const canMount = spawnSync(unshare, [...probe, 'true'], { env: { ...process.env, HEED_DATA_DIR: tmpdir() } }).status === 0

describe.runIf(canMount)('a disk that is full', () => {
  it('gives 503 with Retry-After and never a false 200; what was answered 200 arrives, and clicks are taken again', async () => {
    preferences.behave('away')
    const edge = await start({}, ownDisk)
    const answered: number[] = []
    let refused = 0
    for (let from = 0; refused < 50; from += 250) {
      const answers = await Promise.all(Array.from({ length: 250 }, (_, index) => edge.post(linkOf(from + index))))
      for (const [index, answer] of answers.entries()) {
        if (answer?.status === 200) answered.push(from + index)
        else {
          expect(answer).toEqual({ status: 503, retryAfter: '30' })
          refused += 1
        }
      }
    }
    expect(answered.length).toBeGreaterThan(2_000)
    expect(await edge.readiness()).toMatchObject({ ok: false })

    preferences.behave('well')
    await emptied(edge)
    expect(new Set(preferences.journal.map(({ linkRef }) => linkRef))).toEqual(new Set(answered.map(refOf)))
    expect((await edge.post(linkOf(900_000)))?.status).toBe(200)
    expect(await edge.readiness()).toMatchObject({ ok: true })
  })

  it('is no harm while preferences is there: clicks go to it without the disk', async () => {
    const fill = [
      'unshare',
      '--user',
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      'mount -t tmpfs -o size=64k tmpfs "$HEED_DATA_DIR" && mkdir "$HEED_DATA_DIR/edge-spool" && dd if=/dev/zero of="$HEED_DATA_DIR/full" bs=4096 2>/dev/null; exec "$@"',
      'sh',
    ]
    const edge = await start({}, fill)
    for (let number = 0; number < 5; number += 1) expect((await edge.post(linkOf(number)))?.status).toBe(200)
    expect(preferences.journal).toHaveLength(5)
    expect(edge.log()).toContain('spool.refuses')
  })
})
