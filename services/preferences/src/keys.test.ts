import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '@heed/platform/config'
import { createLogger, silentLogger } from '@heed/platform/log'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadKeys, parseKeys } from './keys.ts'

const secret = () => randomBytes(32).toString('base64')
const settings = {
  HEED_KEK: `k2:${secret()},k1:${secret()}`,
  HEED_LOOKUP_KEY: secret(),
  HEED_LINK_KEYS: `l1:${secret()}`,
  HEED_SUPPRESSION_KEY: secret(),
}

describe('the key settings', () => {
  it('are read in their order, the newest first', () => {
    const keys = parseKeys(settings)
    expect(keys.keks.map(({ id, secret: bytes }) => [id, bytes.length])).toEqual([
      ['k2', 32],
      ['k1', 32],
    ])
    expect(keys.links[0]).toMatchObject({ id: 'l1', use: 'sign' })
  })

  it.each([
    ['HEED_KEK', `k1:${randomBytes(16).toString('base64')}`, /key k1: 32 bytes/],
    ['HEED_KEK', secret(), /key 1: write id:base64/],
    ['HEED_KEK', `k1:${secret()},k1:${secret()}`, /the same id/],
    ['HEED_KEK', 'k1:%%%', /32 bytes/],
    ['HEED_LOOKUP_KEY', randomBytes(8).toString('base64'), /at least 32 bytes/],
    ['HEED_SUPPRESSION_KEY', randomBytes(8).toString('base64'), /at least 32 bytes/],
    ['HEED_LINK_KEYS', 'l1', /HEED_LINK_KEYS/],
  ])('are refused where %s is %s, without a word of the key', (name, value, reason) => {
    const attempt = () => parseKeys({ ...settings, [name]: value })
    expect(attempt).toThrow(ConfigError)
    expect(attempt).toThrow(reason)
    try {
      attempt()
    } catch (thrown) {
      const given = value.split(':').at(-1) ?? value
      expect(String(thrown)).not.toContain(given.length > 3 ? given : '\0')
    }
  })

  it('are all named at once where they are missing', () => {
    expect(() => parseKeys({})).toThrow(
      /HEED_KEK: is missing; HEED_LOOKUP_KEY: is missing; HEED_LINK_KEYS: is missing; HEED_SUPPRESSION_KEY: is missing/,
    )
  })
})

describe('development keys', () => {
  let dataDir = ''
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'heed-keys-'))
  })
  afterEach(() => rm(dataDir, { recursive: true }))
  const load = (given = {}, environment: 'development' | 'production' = 'development') =>
    loadKeys({ settings: given, environment, dataDir, log: silentLogger })

  it('are made once, readable by the owner alone, and found again', async () => {
    const first = await load()
    const second = await load()
    expect(second.settings).toEqual(first.settings)
    expect((await stat(join(dataDir, 'keys.json'))).mode & 0o777).toBe(0o600)
  })

  it('are the same for all that start at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => load()))
    expect(new Set(all.map(({ settings: made }) => made.HEED_KEK)).size).toBe(1)
  })

  it('have a suppression key even where their file lacks one, the same at every start', async () => {
    const { HEED_SUPPRESSION_KEY: _, ...without } = settings
    await writeFile(join(dataDir, 'keys.json'), JSON.stringify(without))
    const [first, second] = [await load(), await load()]
    expect(first.keys.suppression).toEqual(second.keys.suppression)
    expect(first.keys.suppression).not.toEqual(first.keys.lookup)
  })

  it('stand in only for what is not given', async () => {
    const { keys } = await load({ HEED_LOOKUP_KEY: settings.HEED_LOOKUP_KEY })
    expect(keys.lookup.toString('base64')).toBe(settings.HEED_LOOKUP_KEY)
    expect(keys.keks[0]?.id).toBe('dev1')
  })

  it('are announced loudly at every start, without their value', async () => {
    const lines: string[] = []
    const log = createLogger('preferences', { level: 'info', destination: { write: (line) => void lines.push(line) } })
    for (let start = 0; start < 2; start += 1) await loadKeys({ settings: {}, environment: 'development', dataDir, log })
    expect(lines.filter((line) => line.includes('"level":"warn"') && line.includes('keys.development-keys-used'))).toHaveLength(2)
    const made = JSON.parse(await readFile(join(dataDir, 'keys.json'), 'utf8'))
    expect(lines.join('')).not.toContain(made.HEED_LOOKUP_KEY)
  })

  it('are never made in production: the start is refused with the names of what is missing', async () => {
    await expect(load({}, 'production')).rejects.toThrow(/HEED_KEK: is missing/)
    await expect(stat(join(dataDir, 'keys.json'))).rejects.toThrow()
  })

  it('are refused where their file is damaged, rather than made anew', async () => {
    await writeFile(join(dataDir, 'keys.json'), '{"HEED_KEK":')
    await expect(load()).rejects.toThrow(/keys.json in HEED_DATA_DIR cannot be read/)
  })
})
