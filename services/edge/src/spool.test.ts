import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Click } from './click.ts'
import { openSpool, type Spool, SpoolFull, SpoolInUse } from './spool.ts'

let folder: string
let spool: Spool
let left: Spool[]
const roomy = { maxBytes: 1_000_000 }

const click = (number: number): Click => ({
  requestId: `click-${number}`,
  linkRef: '0'.repeat(32),
  scope: 'all',
  method: 'one-click',
  tokenFingerprint: '01234567',
  keyId: 'k1',
  usedAt: 1_764_000_000_000 + number,
})
const ids = (clicks: readonly Click[]) => clicks.map(({ requestId }) => requestId)
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `click-${from + index}`)
const appendAll = (from: number, to: number) =>
  Promise.all(Array.from({ length: to - from + 1 }, (_, index) => spool.append(click(from + index))))
const reopen = async () => {
  // a killed process leaves its lock behind; its pid is this living one, which counts as the same process
  left.push(spool)
  spool = await openSpool(folder, roomy)
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-spool-'))
  left = []
  spool = await openSpool(folder, roomy)
})
afterEach(async () => {
  for (const opened of [...left, spool]) await opened.close()
  await rm(folder, { recursive: true, force: true })
})

describe('the spool', () => {
  it('gives clicks out in the order in which they came, until they are forgotten', async () => {
    await appendAll(1, 10)
    const first = await spool.peek(4)
    expect(ids(first.clicks)).toEqual(numbered(1, 4))
    expect(ids((await spool.peek(4)).clicks)).toEqual(numbered(1, 4))
    await first.forget()
    expect(ids((await spool.peek(99)).clicks)).toEqual(numbered(5, 10))
    expect(spool.size).toBe(6)
  })

  it('has everything that it acknowledged after a kill, and goes on where it was', async () => {
    await appendAll(1, 5)
    await (await spool.peek(2)).forget()
    await reopen()
    expect(spool.size).toBe(3)
    expect(ids((await spool.peek(99)).clicks)).toEqual(numbered(3, 5))
    await appendAll(6, 7)
    expect(ids((await spool.peek(99)).clicks)).toEqual(numbered(3, 7))
  })

  it('drops a line that a crash cut off: it was never acknowledged', async () => {
    await appendAll(1, 2)
    const file = join(folder, 'clicks-00000001.ndjson')
    await appendFile(file, (await readFile(file, 'utf8')).slice(0, 40))
    await reopen()
    await appendAll(3, 3)
    expect(ids((await spool.peek(99)).clicks)).toEqual(numbered(1, 3))
  })

  it('passes over a line that the disk has damaged, and gives out the others', async () => {
    await appendAll(1, 3)
    const file = join(folder, 'clicks-00000001.ndjson')
    await writeFile(file, (await readFile(file, 'utf8')).replace('click-2', 'click-9'))
    await reopen()
    const peeked = await spool.peek(99)
    expect(ids(peeked.clicks)).toEqual(['click-1', 'click-3'])
    await peeked.forget()
    expect(spool.size).toBe(0)
  })

  it('sends again rather than forgets, where its place was lost', async () => {
    await appendAll(1, 3)
    await (await spool.peek(2)).forget()
    await writeFile(join(folder, 'head.json'), '{"segm')
    await reopen()
    expect(ids((await spool.peek(99)).clicks)).toEqual(numbered(1, 3))
  })

  it('takes no room once everything was sent on', async () => {
    await appendAll(1, 500)
    await (await spool.peek(500)).forget()
    const files = (await readdir(folder)).filter((name) => name.startsWith('clicks-'))
    expect(files).toHaveLength(1)
    expect((await stat(join(folder, files[0] ?? ''))).size).toBe(0)
    await appendAll(501, 501)
    expect(ids((await spool.peek(9)).clicks)).toEqual(['click-501'])
  })

  it('refuses when it is full, and what it refuses is not there', async () => {
    await spool.close()
    spool = await openSpool(folder, { maxBytes: 700 })
    const results: string[] = []
    for (let number = 1; number <= 6; number += 1) {
      await spool.append(click(number)).then(
        () => results.push('taken'),
        (error) => results.push(error instanceof SpoolFull ? 'full' : 'other'),
      )
    }
    expect(results).toContain('full')
    expect(results).not.toContain('other')
    expect((await spool.peek(99)).clicks).toHaveLength(results.filter((result) => result === 'taken').length)
  })

  it('keeps a click aside that nobody can accept', async () => {
    await spool.setAside(click(1))
    expect(await readFile(join(folder, 'set-aside.ndjson'), 'utf8')).toContain('click-1')
  })

  it('is not shared with another living process', async () => {
    await spool.close()
    await writeFile(join(folder, 'lock'), String(process.ppid))
    await expect(openSpool(folder, roomy)).rejects.toThrow(SpoolInUse)
    await rm(join(folder, 'lock'))
    await reopen()
  })

  it('takes over from a process that was killed', async () => {
    await spool.close()
    await writeFile(join(folder, 'lock'), '4194305')
    await reopen()
    await appendAll(1, 1)
    expect(spool.size).toBe(1)
  })
})
