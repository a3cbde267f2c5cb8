import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { type OutgoingRequest, referencedCredentials } from '@heed/connector-kit'
import { checkWebhook, parseCheckingKeys } from '@heed/contracts'
import { ManualClock } from '@heed/platform/clock'
import { exampleTime } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { noteRefusals } from './endpoint.ts'
import { webhookAuthentication } from './signing.ts'

const outgoing: OutgoingRequest = {
  method: 'POST',
  url: new URL('https://feeds.partner.example/heed'),
  headers: { 'webhook-id': 'evt_1' },
  body: Buffer.from('{"type":"ping"}'),
}

describe('a signature', () => {
  it('is dated by the moment of each try', async () => {
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    const clock = new ManualClock(exampleTime)
    const signing = webhookAuthentication(referencedCredentials({ KEY: secret }), 'env:KEY', 'symmetric', clock)
    const first = await signing.headers(outgoing)
    await clock.advance(7_900)
    const second = await signing.headers(outgoing)
    expect([first['webhook-timestamp'], second['webhook-timestamp']]).toEqual([String(exampleTime / 1000), String(exampleTime / 1000 + 7)])
    expect(first['webhook-signature']).not.toBe(second['webhook-signature'])
    for (const headers of [first, second])
      expect(checkWebhook(headers, outgoing.body ?? Buffer.alloc(0), parseCheckingKeys(secret), clock.now()).ok).toBe(true)
  })

  it('may change its kind: the partner knows the older key until it ends', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const fresh = `whsk_${privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32).toString('base64')}`
    const known = `whpk_${publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')}`
    const old = `whsec_${randomBytes(32).toString('base64')}`
    const credentials = referencedCredentials({ KEY: `${fresh} ${old}` })
    const clock = new ManualClock(exampleTime)
    const headers = await webhookAuthentication(credentials, 'env:KEY', 'ed25519', clock).headers(outgoing)
    for (const key of [known, old])
      expect(checkWebhook(headers, outgoing.body ?? Buffer.alloc(0), parseCheckingKeys(key), exampleTime).ok).toBe(true)
    await expect(webhookAuthentication(credentials, 'env:KEY', 'symmetric', clock).headers(outgoing)).rejects.toThrow('another kind')
  })
})

it('makes a time to try again a number of seconds, and leaves a number as it is', () => {
  const note = noteRefusals(new ManualClock(exampleTime))
  const wait = (text: string) =>
    note({ via: 'http', status: 503, headers: { 'retry-after': text }, body: Buffer.alloc(0) }).headers['retry-after']
  expect(wait(new Date(exampleTime + 90_000).toUTCString())).toBe('90')
  expect(wait(new Date(exampleTime - 90_000).toUTCString())).toBe('0')
  expect(wait('120')).toBe('120')
  expect(wait('soon')).toBe('soon')
})
