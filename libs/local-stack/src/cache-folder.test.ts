import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CachedFolder, cachedFolder, cacheFolder } from './cache-folder.ts'

let cacheDir: string
let fetches: number
let lines: string[]
beforeEach(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'heed-cache-'))
  fetches = 0
  lines = []
})
afterEach(() => rmSync(cacheDir, { recursive: true }))

const content = 'the whole jar'
const tool = (write: (dir: string) => void | Promise<void> = (dir) => writeFileSync(join(dir, 'a.jar'), content)): CachedFolder => ({
  name: 'tool-1.0',
  files: [{ name: 'a.jar', bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }],
  exclusiveEnding: '.jar',
  async fetch(dir) {
    fetches += 1
    await write(dir)
  },
})
const get = (folder = tool()) => cachedFolder(cacheDir, folder, (line) => lines.push(line))
const jar = () => join(cacheDir, 'tool-1.0', 'a.jar')

describe('cachedFolder', () => {
  it('fetches once, and gives the folder under its name', async () => {
    expect(await get()).toBe(join(cacheDir, 'tool-1.0'))
    expect(await get()).toBe(join(cacheDir, 'tool-1.0'))
    expect(fetches).toBe(1)
  })

  it('fetches once for two that start at the same time', async () => {
    await Promise.all([get(), get()])
    expect(fetches).toBe(1)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^waiting for process \d+, which fetches tool-1\.0$/)
  })

  it.each<[string, () => void]>([
    ['cut short', () => writeFileSync(jar(), content.slice(1))],
    ['changed in place', () => writeFileSync(jar(), content.toUpperCase())],
    ['removed', () => rmSync(jar())],
    ['joined by a stranger', () => writeFileSync(join(cacheDir, 'tool-1.0', 'b.jar'), 'code of somebody else')],
  ])('fetches again a folder whose file was %s', async (_, damage) => {
    await get()
    damage()
    await get()
    expect(readFileSync(jar(), 'utf8')).toBe(content)
    expect(readdirSync(join(cacheDir, 'tool-1.0')).filter((name) => name.endsWith('.jar'))).toEqual(['a.jar'])
    expect(fetches).toBe(2)
    expect(lines[0]).toMatch(/^tool-1\.0 in the cache is damaged \(.+\): fetching it again$/)
  })

  it('does not keep what is not what it should be', async () => {
    await expect(get(tool((dir) => writeFileSync(join(dir, 'a.jar'), 'the wrong jar')))).rejects.toMatchObject({ problem: 'fetch-failed' })
    expect(readdirSync(cacheDir)).toEqual([])
  })

  it('leaves nothing of a failed fetch, and the next one works', async () => {
    const broken = tool((dir) => {
      writeFileSync(join(dir, 'a.jar'), content)
      throw new Error('the line went down')
    })
    await expect(get(broken)).rejects.toThrow('the line went down')
    expect(existsSync(jar())).toBe(false)
    await get()
    expect(readdirSync(cacheDir)).toEqual(['tool-1.0'])
  })

  it('removes what a killed fetch left, and recovers its lock', async () => {
    mkdirSync(join(cacheDir, 'tool-1.0.part-1'))
    writeFileSync(join(cacheDir, 'tool-1.0.lock'), JSON.stringify({ pid: process.pid, startMark: 'a process of the past' }))
    await get()
    expect(readdirSync(cacheDir)).toEqual(['tool-1.0'])
  })
})

describe('cacheFolder', () => {
  it.each<[string, NodeJS.ProcessEnv, NodeJS.Platform, string]>([
    ['the variable', { HEED_CACHE_DIR: '/c', XDG_CACHE_HOME: '/x' }, 'linux', '/c'],
    ['the XDG folder', { XDG_CACHE_HOME: '/x' }, 'linux', '/x/heed'],
    ['the home folder', {}, 'linux', '/home/a/.cache/heed'],
    ['the Library of macOS', {}, 'darwin', '/home/a/Library/Caches/heed'],
  ])('is in %s', (_, env, platform, expected) => {
    expect(cacheFolder(env, platform, '/home/a')).toBe(expected)
  })
})
