import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createFileStore, type Fact } from './store.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heed-store-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function reload(): Promise<Fact[]> {
  const store = createFileStore(folder, 'facts', () => [])
  const facts = [...store.load()]
  await store.close()
  return facts
}

it('finds the last value of each fact again', async () => {
  const store = createFileStore(folder, 'facts', () => [])
  store.put('member', 'a', { status: 'subscribed' })
  store.put('member', 'b', { status: 'subscribed' })
  store.put('member', 'a', { status: 'unsubscribed' })
  store.remove('member', 'b')
  await store.close()
  expect(await reload()).toEqual([['member', 'a', { status: 'unsubscribed' }]])
})

it('has handed over what was put when flush returns, without being closed', async () => {
  const store = createFileStore(folder, 'facts', () => [])
  store.put('member', 'a', 1)
  expect(readFileSync(join(folder, 'facts.jsonl'), 'utf8')).not.toContain('member')
  await store.flush()
  expect(readFileSync(join(folder, 'facts.jsonl'), 'utf8')).toContain('["member","a",1]\n')
  await store.close()
})

it('hands over by itself what nobody flushes', async () => {
  const store = createFileStore(folder, 'facts', () => [])
  store.put('member', 'a', 1)
  await expect.poll(() => readFileSync(join(folder, 'facts.jsonl'), 'utf8')).toContain('"a"')
  await store.close()
})

it('ignores half a line at the end, which a kill leaves', async () => {
  const store = createFileStore(folder, 'facts', () => [])
  store.put('member', 'a', 1)
  await store.close()
  appendFileSync(join(folder, 'facts.jsonl'), '["member","b",{"sta')
  expect(await reload()).toEqual([['member', 'a', 1]])
  expect(await reload()).toEqual([['member', 'a', 1]])
})

it('sets a file of another format aside', async () => {
  writeFileSync(join(folder, 'facts.jsonl'), 'something else\n["member","a",1]\n')
  expect(await reload()).toEqual([])
  expect(readdirSync(folder)).toContain('facts.jsonl.other-format')
})

it('is written anew from what holds when it has grown far beyond it', async () => {
  const store = createFileStore(folder, 'facts', () => [['member', 'a', 'now']], 1000)
  for (let n = 0; n < 100; n += 1) {
    store.put('member', 'a', `value ${n} of a hundred`)
    await store.flush()
  }
  expect(statSync(join(folder, 'facts.jsonl')).size).toBeLessThan(1200)
  store.put('member', 'b', 1)
  await store.close()
  expect(await reload()).toEqual(expect.arrayContaining([['member', 'b', 1]]))
})

it('writes what is put while another write is under way, in the order in which it was put', async () => {
  const store = createFileStore(folder, 'facts', () => [])
  const flushed: Promise<void>[] = []
  for (let n = 0; n < 50; n += 1) {
    store.put('member', 'a', n)
    flushed.push(store.flush())
    // some of them begin in later turns of the event loop
    if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(flushed)
  const lines = readFileSync(join(folder, 'facts.jsonl'), 'utf8').trimEnd().split('\n').slice(1)
  expect(lines).toEqual(Array.from({ length: 50 }, (_, n) => `["member","a",${n}]`))
  await store.close()
})
