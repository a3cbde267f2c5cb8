import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatVerifierKey, keyFingerprint, parseSignerKey } from '@heed/merkle-log'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runHeed } from './program.ts'

let folder: string
let out: string
let err: string
const heed = (...args: string[]) => {
  out = ''
  err = ''
  return runHeed(args, {
    // a port that nothing listens on
    env: { HEED_DATA_DIR: folder, HEED_CALLER_KEY: 'heed_test_x', HEED_PREFERENCES_ADDRESS: '127.0.0.1:9' },
    write: (text) => {
      out += text
    },
    writeError: (text) => {
      err += text
    },
  })
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heed-cli-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('wrong input is one line and exit code 2', () => {
  it.each([
    [['opt-uot', 'ada@example.org'], /Did you mean opt-out/],
    [[], /say what to do/],
    [['opt-out'], /Not enough non-option arguments/],
    [['opt-out', 'ada@example.org', '--loud'], /Unknown argument: loud/],
    [['opt-out', 'ada'], /say which kind of identifier/],
    [['opt-out', 'ada@', '--kind', 'email'], /^heed: email: /],
    [['opt-out', 'x', '--kind', 'shoe-size'], /--kind: one of email, phone/],
    [['opt-in', 'ada@example.org'], /evidence/],
    [['opt-in', 'ada@example.org', '--evidence', 'form', '--evidence-reference', 'f-1', '--collected-at', 'yesterday'], /--collected-at/],
    [['check', 'ada@example.org'], /--recipient, --purpose/],
    [['resolve', 'mailchimp/s-1/1', '--by', 'dpo'], /why/],
    [['erase', 'ada@example.org'], /--reference: where you keep how you made sure who asks/],
    [['mark-child', 'ada@example.org', '--yes'], /--reference/],
    [['disclosures', 'ada@example.org', '--year', 'last'], /--year: a calendar year/],
    [['trail', 'key', 'with space'], /a name such as example\.com\/trail/],
    [['import', 'no-such-file.csv'], /cannot be read \(ENOENT\)/],
    [['policy', 'diff', 'no-such-file.yaml'], /cannot be read \(ENOENT\)/],
    [['policy'], /Not enough non-option arguments/],
    [['duty', 'x'], /<recipient>\/<subject id>\/<version>/],
    [['hand-over', 'x'], /to/],
  ])('%j', async (args, message) => {
    expect(await heed(...args)).toBe(2)
    expect(err).toMatch(message)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect(out).toBe('')
  })

  it('never repeats an identifier that it refuses', async () => {
    await heed('opt-out', 'ada lovelace@@example.org')
    expect(err).not.toContain('lovelace')
  })

  it('names the columns that a file may have', async () => {
    const file = join(folder, 'people.csv')
    writeFileSync(file, 'mail,purpose\nada@example.org,email-marketing\n')
    expect(await heed('import', file)).toBe(2)
    expect(err).toContain('known ones are email, phone')
  })
})

describe('a hub that is not there', () => {
  it('is exit code 4, with what to do', async () => {
    expect(await heed('get', 'ada@example.org')).toBe(4)
    expect(err).toContain('npm start')
  })

  it('is one JSON document where JSON is asked for', async () => {
    expect(await heed('get', 'ada@example.org', '--json')).toBe(4)
    expect(JSON.parse(err)).toMatchObject({ code: 4 })
  })
})

it('a damaged hub file is named', async () => {
  writeFileSync(join(folder, 'hub.json'), '{')
  expect(await heed('get', 'ada@example.org')).toBe(2)
  expect(err).toContain('hub.json is damaged')
})

it('writes a completion script', async () => {
  expect(await heed('completion')).toBe(0)
})

describe('a key of the log', () => {
  it('is made anew each time, with its public part and fingerprint', async () => {
    expect(await heed('trail', 'key', 'example.com/trail', '--json')).toBe(0)
    const made: { secretKey: string; publicKey: string; fingerprint: string } = JSON.parse(out)
    const key = parseSignerKey(made.secretKey)
    expect(formatVerifierKey(key)).toBe(made.publicKey)
    expect(keyFingerprint(key)).toBe(made.fingerprint)
    expect(key.type).toBe('ed25519')
    expect(await heed('trail', 'key', 'witness.example.net', '--witness', '--secret')).toBe(0)
    expect(parseSignerKey(out.trim())).toMatchObject({ name: 'witness.example.net', type: 'cosignature-v1' })
  })
})
