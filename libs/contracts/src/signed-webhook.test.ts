import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { checkWebhook, parseCheckingKeys, parseSigningKeys, signWebhook, WebhookKeysError } from './signed-webhook.ts'

// the example of the specification's own libraries
const published = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestampSeconds: 1_614_265_330,
  body: Buffer.from('{"test": 2432232314}'),
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}

function pair() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
  const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  return { seed, point, signing: `whsk_${seed.toString('base64')}`, checking: `whpk_${point.toString('base64')}` }
}
const secret = () => `whsec_${randomBytes(32).toString('base64')}`
const now = Date.UTC(2026, 10, 23, 10)
const call = { id: 'evt_1', timestampSeconds: now / 1000, body: Buffer.from('{"type":"ping"}') }

describe('a signature', () => {
  it('is the one of the specification’s example', () => {
    const { secret: text, signature, ...example } = published
    expect(signWebhook(example, parseSigningKeys(text))).toEqual({
      'webhook-id': example.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': signature,
    })
  })

  it.each([
    [
      'symmetric',
      () => {
        const text = secret()
        return { signing: text, checking: text }
      },
      /^v1,[A-Za-z0-9+/]{43}=$/,
    ],
    ['ed25519', pair, /^v1a,[A-Za-z0-9+/]{86}==$/],
  ] as const)('is known by the other side: %s', (_, keys, shape) => {
    const { signing, checking } = keys()
    const headers = signWebhook(call, parseSigningKeys(signing))
    expect(headers['webhook-signature']).toMatch(shape)
    expect(checkWebhook(headers, call.body, parseCheckingKeys(checking), now)).toEqual({ ok: true, id: 'evt_1' })
  })

  it('is made by each key while keys are rotated, so that whoever knows either of them knows the call', () => {
    const [old, fresh, { signing, checking }] = [secret(), secret(), pair()]
    const headers = signWebhook(call, parseSigningKeys(`${fresh} ${signing}\n${old}`))
    expect(headers['webhook-signature'].split(' ').map((one) => one.split(',')[0])).toEqual(['v1', 'v1a', 'v1'])
    for (const known of [old, fresh, checking]) expect(checkWebhook(headers, call.body, parseCheckingKeys(known), now).ok).toBe(true)
    expect(checkWebhook(headers, call.body, parseCheckingKeys(secret()), now)).toEqual({ ok: false, why: 'signature-unknown' })
  })

  it('is not made any more by a key that has ended', () => {
    const [old, fresh] = [secret(), secret()]
    const at = (time: string) => signWebhook(call, parseSigningKeys(`${fresh} ${old}@${time}`))['webhook-signature'].split(' ')
    expect(at('2026-11-23T10:00:01Z')).toHaveLength(2)
    expect(at('2026-11-23T10:00:00Z')).toHaveLength(1)
    expect(() => signWebhook(call, parseSigningKeys(`${old}@2026-11-23T09:00:00Z`))).toThrow(WebhookKeysError)
    const headers = signWebhook(call, parseSigningKeys(old))
    expect(checkWebhook(headers, call.body, parseCheckingKeys(`${old}@2026-11-23T10:00:00Z`), now).ok).toBe(false)
  })

  it('refuses an id that could be read in two ways', () => {
    expect(() => signWebhook({ ...call, id: 'evt.1' }, parseSigningKeys(secret()))).toThrow(RangeError)
  })
})

describe('a call that came in', () => {
  const text = secret()
  const keys = parseCheckingKeys(text)
  const headers = signWebhook(call, parseSigningKeys(text))

  it.each([
    ['another body', {}, Buffer.from('{"type":"pong"}'), now, 'signature-unknown'],
    ['another id', { 'webhook-id': 'evt_2' }, call.body, now, 'signature-unknown'],
    ['another time', { 'webhook-timestamp': String(now / 1000 + 1) }, call.body, now, 'signature-unknown'],
    ['no signature that we know', { 'webhook-signature': 'v2,AAAA v1,!!!! v1 ,' }, call.body, now, 'signature-unknown'],
    [
      'its signature called by the other name',
      { 'webhook-signature': headers['webhook-signature'].replace('v1,', 'v1a,') },
      call.body,
      now,
      'signature-unknown',
    ],
    ['no signature', { 'webhook-signature': undefined }, call.body, now, 'headers-missing'],
    ['no id', { 'webhook-id': '' }, call.body, now, 'headers-missing'],
    ['two times', { 'webhook-timestamp': ['1', '2'] }, call.body, now, 'headers-missing'],
    ['a time that is none', { 'webhook-timestamp': '1e9' }, call.body, now, 'headers-missing'],
    ['a time spelt otherwise', { 'webhook-timestamp': `0${now / 1000}` }, call.body, now, 'headers-missing'],
    ['a stale time', {}, call.body, now + 301_000, 'timestamp-outside'],
    ['a time of the future', {}, call.body, now - 301_000, 'timestamp-outside'],
  ])('is refused with %s', (_, changed, body, at, why) => {
    expect(checkWebhook({ ...headers, ...changed }, body, keys, at)).toEqual({ ok: false, why })
  })

  it('is taken within five minutes, either way', () => {
    for (const at of [now - 300_000, now + 300_000]) expect(checkWebhook(headers, call.body, keys, at).ok).toBe(true)
  })

  test.prop([fc.dictionary(fc.constantFrom('webhook-id', 'webhook-timestamp', 'webhook-signature'), fc.string()), fc.uint8Array()])(
    'is never taken by chance, and never throws',
    (given, body) => {
      expect(checkWebhook(given, body, keys, now).ok).toBe(false)
    },
  )
})

describe('keys', () => {
  const { seed, point, signing } = pair()
  it.each([
    ['', '1 to 4 keys'],
    ['secret', 'key 1: must begin with whsec_ or whsk_'],
    [`whpk_${point.toString('base64')}`, 'key 1: must begin with'],
    ['whsec_c2hvcnQ=', 'key 1: must have 24 to 64 bytes'],
    [`${signing} whsec_ä`, 'key 2: must be base64'],
    [`whsk_${randomBytes(31).toString('base64')}`, 'key 1: must be an Ed25519 seed'],
    [`whsk_${Buffer.concat([seed, randomBytes(32)]).toString('base64')}`, 'another key'],
    [`${signing}@tomorrow`, 'its end is a time'],
    [Array(5).fill(signing).join(' '), '1 to 4 keys'],
  ])('that cannot be used are refused without being named: %#', (text, why) => {
    expect(() => parseSigningKeys(text)).toThrow(why)
    try {
      parseSigningKeys(text)
    } catch (thrown) {
      if (text.length > 10) expect(String(thrown)).not.toContain(text.slice(-10))
    }
  })

  it('may be a seed, or a seed and its public half', () => {
    expect(parseSigningKeys(`whsk_${Buffer.concat([seed, point]).toString('base64')}`)).toHaveLength(1)
    expect(() => parseCheckingKeys(signing)).toThrow('whpk_')
  })
})
