import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { BatchContext } from '../contract.ts'
import { feedFile } from './feed-file.ts'

const batch: BatchContext = { sequence: 7, openedAt: Date.UTC(2026, 2, 1, 9, 30), extent: 'delta' }
const parts = { sender: 'heed', list: 'partners', batch, columns: ['op', 'value'], records: [['add', 'a,"b"']], manifest: { profile: 'p' } }

describe('a file of a feed', () => {
  it('is CSV that says what it holds', () => {
    const { name, content, manifest, sha256 } = feedFile(parts)
    expect(name).toBe('heed_partners_delta_20260301T093000Z_000007.csv.gz')
    expect(gunzipSync(content).toString()).toBe('op,value\nadd,"a,""b"""\n')
    expect(JSON.parse(Buffer.from(manifest).toString())).toMatchObject({
      file: name,
      sha256,
      kind: 'delta',
      seq: 7,
      previous_seq: 6,
      rows: 1,
      profile: 'p',
    })
  })

  it('is the same file when it is made again', () => {
    expect(feedFile(parts)).toEqual(feedFile(parts))
  })

  it('is the first of its list without one before it, and the last when six digits are spent', () => {
    expect(JSON.parse(Buffer.from(feedFile({ ...parts, batch: { ...batch, sequence: 1 } }).manifest).toString()).previous_seq).toBeNull()
    expect(() => feedFile({ ...parts, batch: { ...batch, sequence: 1_000_000 } })).toThrow('new list name')
  })
})
