import { describe, expect, it } from 'vitest'
import { HeedError } from '../errors/index.ts'
import { createLogger, scrubText } from './index.ts'

const canary = 'canary.ada+1@mail.example.org'
const key = `heed_tester_${'A'.repeat(43)}`

function written(write: (log: ReturnType<typeof createLogger>) => void, level: 'debug' | 'info' = 'debug'): string {
  const lines: string[] = []
  write(createLogger('test', { level, destination: { write: (line) => lines.push(line) } }))
  return lines.join('')
}

const line = (write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown> => JSON.parse(written(write))

describe('a log line', () => {
  it('names the service, the level, the event and its facts', () => {
    expect(line((log) => log.info({ deliveryId: 'mailchimp/s-1/7', attempt: 2 }, 'delivery.attempted'))).toMatchObject({
      level: 'info',
      service: 'test',
      msg: 'delivery.attempted',
      deliveryId: 'mailchimp/s-1/7',
      attempt: 2,
    })
  })

  it('carries what a child was given', () => {
    expect(line((log) => log.child({ recipientId: 'mailchimp' }).warn({}, 'x'))).toMatchObject({ level: 'warn', recipientId: 'mailchimp' })
  })

  it('is not written below the level', () => {
    expect(written((log) => log.debug({}, 'x'), 'info')).toBe('')
  })

  it('is for people when asked', () => {
    const lines: string[] = []
    const log = createLogger('test', { level: 'info', pretty: true, destination: { write: (text) => lines.push(text) } })
    log.info({ attempt: 2, email: canary }, 'delivery.attempted')
    expect(lines.join('')).toContain('delivery.attempted')
    expect(lines.join('')).not.toContain('canary')
  })
})

describe('what is never printed', () => {
  const ways: Record<string, (log: ReturnType<typeof createLogger>) => void> = {
    'in the message of a foreign error': (log) => log.error({ error: new Error(`no such member ${canary}`) }, 'x'),
    'in the name of a foreign error': (log) => log.error({ error: Object.assign(new Error('x'), { name: canary }) }, 'x'),
    'in the code of a foreign error': (log) => log.error({ error: Object.assign(new Error('x'), { code: canary }) }, 'x'),
    'in an error given alone': (log) => log.error(new TypeError(canary)),
    'in the cause of an error': (log) => log.error({ error: new HeedError('a', 'b', { cause: new Error(canary) }) }, 'x'),
    'in the message of one of our own errors': (log) => log.error({ error: new HeedError('a', `oops ${canary}`) }, 'x'),
    'in a field of an error': (log) => log.error({ error: Object.assign(new Error('x'), { request: { to: canary } }) }, 'x'),
    'in an error in a list in an object': (log) => log.error({ all: { of: [new Error(canary)] } }, 'x'),
    'under a name that says so': (log) => log.info({ email: canary }, 'x'),
    'deep under a harmless name': (log) => log.info({ a: { b: { c: [{ note: canary }] } } }, 'x'),
    'as the name of a field': (log) => log.info({ [canary]: 1 }, 'x'),
    'in the event': (log) => log.info({}, `sent to ${canary}`),
    'in what a child was given': (log) => log.child({ note: canary }).info({}, 'x'),
    'percent-encoded': (log) => log.info({ path: `/u?m=${encodeURIComponent(canary)}` }, 'x'),
    'in bytes': (log) => log.info({ bytes: Buffer.from(canary) }, 'x'),
    'in a map and a set': (log) => log.info({ map: new Map([['k', canary]]), set: new Set([canary]) }, 'x'),
  }
  for (const [where, write] of Object.entries(ways)) {
    it(`an address ${where}`, () => {
      const text = written(write)
      expect(text).not.toBe('')
      expect(text).not.toContain('canary')
      expect(text).not.toContain('example.org')
    })
  }

  it('a phone number, a key, and credentials in a URL', () => {
    const text = written((log) => log.info({ note: `+4915112345678 ${key} mongodb://root:hunter2@db/x` }, 'x'))
    expect(text).not.toContain('4915112345678')
    expect(text).not.toContain('AAAAAAA')
    expect(text).not.toContain('hunter2')
  })

  it('a secret under its name, in any spelling', () => {
    const text = written((log) => log.info({ Authorization: 'v1', api_key: 'v2', 'set-cookie': 'v3', refreshToken: 'v4' }, 'x'))
    for (const value of ['v1', 'v2', 'v3', 'v4']) expect(text).not.toContain(value)
  })
})

describe('what is printed of an error', () => {
  it('name, code, frames and cause of a foreign one; no message', () => {
    const error = Object.assign(new TypeError('private', { cause: new RangeError('inner') }), { code: 'E_PRIVATE' })
    const { error: shown } = line((log) => log.error({ error }, 'x')) as { error: Record<string, unknown> }
    expect(shown).toMatchObject({ name: 'TypeError', code: 'E_PRIVATE', cause: { name: 'RangeError' } })
    expect(shown).not.toHaveProperty('message')
    expect(shown.stack).toContain('logger.test.ts')
  })

  it('the message and the reason of one of ours', () => {
    expect(line((log) => log.error({ error: new HeedError('kafka.unavailable', 'no broker answers') }, 'x'))).toMatchObject({
      error: { name: 'HeedError', reason: 'kafka.unavailable', message: 'no broker answers' },
    })
  })
})

describe('what survives the scrubbing', () => {
  it.each([
    'mailchimp/s-0197f1/7',
    '2026-11-23T05:00:00.000Z',
    'heed.preferences.v1',
    '@heed/platform',
    'node_modules/@grpc/grpc-js/build/src/client.js:123:4',
    '{"offset":"12345678901234567890","n":1.5e+10}',
    'http://127.0.0.1:7101/readyz',
  ])('%s', (text) => {
    expect(scrubText(text)).toBe(text)
  })

  it('a list is cut, and depth ends', () => {
    const deep = { a: { b: { c: { d: { e: { f: { g: 1 } } } } } } }
    const shown = line((log) => log.info({ list: Array.from({ length: 25 }, (_, n) => n), deep }, 'x'))
    expect(shown.list).toHaveLength(21)
    expect(JSON.stringify(shown.deep)).toContain('[deeper]')
  })

  it('an object that contains itself', () => {
    const loop: Record<string, unknown> = {}
    loop.self = loop
    expect(() => written((log) => log.info({ loop }, 'x'))).not.toThrow()
  })
})
