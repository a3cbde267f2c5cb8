import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatVerifierKey, generateSignerKey, verifierOf } from '@heed/merkle-log'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { accepted, paused, recipient, subject } from '../../../../audit/src/testing/events.ts'
import { type House, openHouse } from '../../../../audit/src/testing/house.ts'
import { runHeed } from '../../program.ts'

let house: House
let folder: string
let key: string
let out: string
let err: string

const audit = (...args: string[]) => {
  out = ''
  err = ''
  return runHeed(['trail', 'audit', '--state', join(folder, 'state.json'), ...args], {
    env: { HEED_DATA_DIR: folder, MONGODB_URI: inject('mongoUri'), HEED_DB_PREFIX: house.prefix },
    write: (text) => {
      out += text
    },
    writeError: (text) => {
      err += text
    },
  })
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heed-audit-'))
  house = await openHouse('cli-audit')
  const running = await house.audit()
  await house.tell(paused(recipient('mailchimp'), true, 1), paused(recipient('mailchimp'), false, 2))
  await running.app.caughtUp()
  await running.app.checkpointed()
  key = house.logSettings().keys.map((one) => formatVerifierKey(verifierOf(one)))[0] ?? ''
})
afterAll(async () => {
  await house.stop()
  rmSync(folder, { recursive: true, force: true })
})

it('says that all agrees, beside a running hub, and leaves no state behind', async () => {
  expect(await audit('--key', key)).toBe(0)
  expect(out).toContain('2 entries under a checkpoint of 2')
  expect(out).toContain('all of it agrees')
  expect(existsSync(join(folder, 'state.json'))).toBe(false)
})

it('names what differs, with exit code 1', async () => {
  expect(await audit('--key', formatVerifierKey(verifierOf(generateSignerKey(house.logSettings().origin, 'ed25519'))), '--json')).toBe(1)
  expect(JSON.parse(out)).toMatchObject({ ok: false, differences: 1, listed: [{ check: 'checkpoint.signature' }] })
  const running = await house.audit()
  await house.tell(accepted(subject(1), 1))
  await running.app.caughtUp()
  await running.app.checkpointed()
  expect(await audit('--key', key)).toBe(1)
  expect(out).toContain(`entry 2: it tells of change ${subject(1)}/1, which the journal has not (entry.without-change)`)
})

it('takes wrong input with one line and exit code 2', async () => {
  expect(await audit()).toBe(2)
  expect(err).toMatch(/say which key you believe/)
  expect(await audit('--key', key, '--resume')).toBe(2)
  expect(err).toMatch(/state\.json cannot be read/)
  writeFileSync(join(folder, 'state.json'), '{}')
  expect(await audit('--key', key, '--resume')).toBe(2)
  expect(err).toMatch(/is no state of an audit/)
  expect(await audit('--key', 'no-such-file')).toBe(2)
  expect(err.trimEnd().split('\n')).toHaveLength(1)
})
