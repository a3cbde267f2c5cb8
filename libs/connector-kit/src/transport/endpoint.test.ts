import { createServer } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { SettingsError } from '../settings.ts'
import { isPublicAddress, parseEndpoint, publicLookup } from './endpoint.ts'
import { httpTransport } from './http.ts'

describe('the address of an endpoint', () => {
  it.each(['https://feeds.partner.example/heed', 'https://feeds.partner.example:443/heed?tenant=7', 'https://bücher.example/heed'])(
    'is taken: %s',
    (text) => {
      expect(parseEndpoint('url', text).protocol).toBe('https:')
    },
  )

  it.each([
    ['http://feeds.partner.example/heed', 'https://'],
    ['ftp://feeds.partner.example/heed', 'https://'],
    ['file:///etc/passwd', 'https://'],
    ['feeds.other.example/heed', 'an address'],
    ['', 'an address'],
    ['https://user:secret@feeds.partner.example/', 'user name'],
    ['https://feeds.partner.example/#top', 'fragment'],
    ['https://feeds.partner.example/#', 'fragment'],
    ['https://feeds.partner.example:8443/', 'port 443'],
    ['https://localhost/', 'dot'],
    ['https://localhost./', 'dot'],
    ['https://intranet/', 'dot'],
    ['https://127.0.0.1/', 'network address'],
    ['https://2130706433/', 'network address'],
    ['https://0x7f.1/', 'network address'],
    ['https://017700000001/', 'network address'],
    ['https://127.1/', 'network address'],
    ['https://8.8.8.8/', 'network address'],
    ['https://[::1]/', 'network address'],
    ['https://[::ffff:169.254.169.254]/', 'network address'],
    ['https://[::ffff:a9fe:a9fe]/', 'network address'],
    ['https://①②⑦.0.0.1/', 'network address'],
    [`https://feeds.partner.example/${'a'.repeat(2_048)}`, '2048 characters'],
  ])('is refused: %s', (text, why) => {
    const thrown = (() => {
      try {
        return parseEndpoint('url', text)
      } catch (error) {
        return error
      }
    })()
    expect(thrown).toBeInstanceOf(SettingsError)
    expect(String(thrown)).toContain(why)
    // a tenant learns nothing of our network, and a log nothing of the address
    if (text !== '') expect(String(thrown)).not.toContain(text)
  })

  it('may use another port where one is agreed on', () => {
    expect(parseEndpoint('url', 'https://feeds.partner.example:8443/', { ports: [443, 8_443] }).port).toBe('8443')
  })

  it('may be anything that is trusted by name and port, and nothing beside it', () => {
    const rules = { trusted: ['127.0.0.1:7170', 'partner.local:80'] }
    expect(parseEndpoint('url', 'http://127.0.0.1:7170/feed', rules).port).toBe('7170')
    expect(parseEndpoint('url', 'http://partner.local/feed', rules).hostname).toBe('partner.local')
    for (const other of ['http://127.0.0.1:7171/feed', 'http://127.0.0.1/feed', 'http://127.0.0.1:7170@10.0.0.1/', 'ftp://127.0.0.1:7170/'])
      expect(() => parseEndpoint('url', other, rules), other).toThrow(SettingsError)
  })
})

// first and last address of each block that may not be reached
const blocked = [
  ['0.0.0.0', '0.255.255.255'],
  ['10.0.0.0', '10.255.255.255'],
  ['100.64.0.0', '100.127.255.255'],
  ['127.0.0.0', '127.255.255.255'],
  ['169.254.0.0', '169.254.169.254', '169.254.255.255'],
  ['172.16.0.0', '172.31.255.255'],
  ['192.0.0.0', '192.0.0.255'],
  ['192.0.2.0', '192.0.2.255'],
  ['192.88.99.0', '192.88.99.255'],
  ['192.168.0.0', '192.168.255.255'],
  ['198.18.0.0', '198.19.255.255'],
  ['198.51.100.0', '198.51.100.255'],
  ['203.0.113.0', '203.0.113.255'],
  ['224.0.0.0', '239.255.255.255'],
  ['240.0.0.0', '255.255.255.255'],
  ['::', '::1'],
  ['::7f00:1', '::a00:1', '::808:808'],
  ['::ffff:0.0.0.0', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe'],
  ['::ffff:0:127.0.0.1'],
  ['64:ff9b::', '64:ff9b::ffff:ffff'],
  ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'],
  ['100::', '100::ffff:ffff:ffff:ffff'],
  ['2001::1', '2001:2::1', '2001:10::1', '2001:20::1'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fc00::', 'fd00:ec2::254', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fe80::', 'fe80::1%eth0', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fec0::1'],
  ['ff00::', 'ff02::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['4000::1', '8000::1', 'e000::1'],
  ['', 'feeds.partner.example', '1.2.3', '::g'],
]

describe('an address', () => {
  it.each(blocked.flat())('is not public: %s', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '::ffff:8.8.8.8',
    '2606:4700::1111',
    '2a00:1450:4001::1',
  ])('is public: %s', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  test.prop([fc.oneof(fc.ipV4(), fc.ipV6(), fc.string())])('is judged without a throw, an IPv4 one alike in both of its forms', (text) => {
    const judged = isPublicAddress(text)
    if (/^\d+(\.\d+){3}$/.test(text)) expect(isPublicAddress(`::ffff:${text}`)).toBe(judged)
  })
})

describe('a lookup', () => {
  const ask = (lookup: LookupFunction, options: object = { all: true }) =>
    new Promise<unknown>((resolve) => {
      lookup('feeds.partner.example', options, (error, address, family) =>
        resolve(error === null ? (Array.isArray(address) ? address : [address, family]) : error.code),
      )
    })
  const of = (...addresses: string[]) =>
    publicLookup(async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })))

  it('gives what is public and drops the rest', async () => {
    expect(await ask(of('10.0.0.1', '8.8.8.8', '::1', '2606:4700::1111'))).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ])
    expect(await ask(of('127.0.0.1', '8.8.8.8'), {})).toEqual(['8.8.8.8', 4])
    expect(await ask(of('8.8.8.8', '2606:4700::1111'), { family: 6 })).toEqual(['2606:4700::1111', 6])
  })

  it('refuses where nothing is left, and passes on what the resolver says', async () => {
    expect(await ask(of('127.0.0.1', '::ffff:10.0.0.1'))).toBe('HEED_ADDRESS_REFUSED')
    expect(await ask(of())).toBe('HEED_ADDRESS_REFUSED')
    const failing = publicLookup(() => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })))
    expect(await ask(failing)).toBe('ENOTFOUND')
  })

  it('asks once for a connection, and nothing is sent to a name that has turned to this machine', async () => {
    let asked = 0
    const reached: string[] = []
    const server = createServer((request, response) => {
      reached.push(request.url ?? '')
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const transport = httpTransport({
      baseUrl: `http://feeds.partner.example:${port}`,
      insecure: true,
      lookup: publicLookup(async () => {
        asked += 1
        return [{ address: '127.0.0.1', family: 4 }]
      }),
      descriptor: {
        name: 'example',
        docs: 'https://vendor.example',
        identifiers: ['email'],
        batch: { maxTasks: 1 },
        rate: { concurrentRequests: 1 },
        confirmation: 'never',
        timeoutMs: 2_000,
        quietAfterUnknownSeconds: 0,
      },
    })
    const request = { via: 'http', intent: 'assert', covers: [], name: 'event.post', method: 'POST', path: '/feed' } as const
    expect(await transport.send(request, { timeoutMs: 2_000, signal: new AbortController().signal })).toEqual({
      via: 'none',
      sent: false,
      reason: 'configuration.address-refused',
    })
    expect([asked, reached]).toEqual([1, []])
    await transport.close()
    server.close()
  })
})
