import { referencedCredentials, SettingsError, type TransportTools } from '@heed/connector-kit'
import { recipientId } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { supplierFeed } from './connector.ts'
import { parseSettings } from './settings.ts'

const given = { url: 'https://feeds.partner.example/heed', credential: 'env:KEY', signature: 'symmetric', acknowledgement: 'callback' }
const files = { transport: 'folder', path: 'out', sender: 'heed', list: 'partners' }
const descriptorOf = (more: object = {}) => {
  const { descriptor } = supplierFeed
  return typeof descriptor === 'function' ? descriptor(parseSettings({ ...given, ...more })) : descriptor
}

describe('settings', () => {
  it.each([
    [{ url: undefined }, 'url'],
    [{ url: 'http://feeds.partner.example/heed' }, 'url'],
    [{ url: 'https://127.0.0.1/heed' }, 'url'],
    [{ url: 'https://[::ffff:a9fe:a9fe]/heed' }, 'url'],
    [{ url: 'https://2130706433/heed' }, 'url'],
    [{ url: 'https://user:secret@feeds.partner.example/heed' }, 'url'],
    [{ url: 'https://feeds.partner.example:8443/heed' }, 'url'],
    [{ credential: 'whsec_c2VjcmV0' }, 'credential'],
    [{ credentials: { callback: 'whsec_c2VjcmV0' } }, 'credentials.callback'],
    [{ signature: 'md5' }, 'signature'],
    [{ acknowledgement: 'maybe' }, 'acknowledgement'],
    [{ concurrentRequests: 33 }, 'concurrentRequests'],
    [{ retryScheduleSeconds: [] }, 'retryScheduleSeconds'],
    [{ clientCertificate: '-----BEGIN CERTIFICATE-----' }, 'clientCertificate'],
    [{ colour: 'blue' }, 'settings'],
    [{ ...files, list: 'Ada Lovelace' }, 'list'],
  ])('that are wrong are refused by the name of the field, and never quoted: %j', (wrong, field) => {
    const settings = 'transport' in wrong ? wrong : { ...given, ...wrong }
    expect(() => parseSettings(settings)).toThrow(SettingsError)
    try {
      parseSettings(settings)
    } catch (thrown) {
      expect((thrown as SettingsError).field).toBe(field)
      expect(String(thrown)).not.toMatch(/c2VjcmV0|partner\.example:8443|169\.254|secret/)
    }
  })

  it('say how a partner is told', () => {
    expect(descriptorOf()).toMatchObject({
      confirmation: 'by-job',
      timeoutMs: 15_000,
      maxAnswerBytes: 65_536,
      rate: { concurrentRequests: 24 },
      jobs: { giveUpAfterSeconds: 864_000, newerMayOvertake: true, reported: true },
      retry: { scheduleSeconds: [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400] },
    })
    expect(descriptorOf({ acknowledgement: 'in-response' })).toMatchObject({ confirmation: 'in-response' })
    expect(descriptorOf({ acknowledgement: 'none' })).toMatchObject({ confirmation: 'never' })
  })
})

describe('an endpoint on this machine', () => {
  const local = { ...given, url: 'http://127.0.0.1:7170/feed', trustedHosts: '127.0.0.1:7170' }
  const tools = (more: Partial<TransportTools> = {}): TransportTools => ({
    recipientId: recipientId('affiliates'),
    credentials: referencedCredentials({}),
    descriptor: descriptorOf(),
    clock: { now: () => 0, sleep: async () => undefined },
    log: { debug() {}, info() {}, warn() {}, error() {}, debugEnabled: false, child: () => tools().log },
    ...more,
  })

  it('is taken in development, where it is named', async () => {
    const transport = supplierFeed.connect?.(parseSettings(local), tools({ development: true }))
    expect(transport).toBeDefined()
    await transport?.close()
  })

  it('is refused everywhere else, and so is the mere wish to trust one', () => {
    expect(() => supplierFeed.connect?.(parseSettings(local), tools())).toThrow('trustedHosts: is for development')
    expect(() => supplierFeed.connect?.(parseSettings({ ...given, trustedHosts: ['127.0.0.1:1'] }), tools())).toThrow('trustedHosts')
    expect(() => parseSettings({ ...local, trustedHosts: [] })).toThrow('url')
    expect(() => parseSettings({ ...local, url: 'http://127.0.0.1:7171/feed' })).toThrow('url')
  })
})
