import type { Answer, HttpRequest, ResolvedIdentifier, Task } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import { anErasure, anOptIn, anOptOut, emailIdentifiers, type TaskOptions } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { googleAnalytics } from './connector.ts'
import { parseSettings } from './settings.ts'

const given = { credential: 'env:GOOGLE_ANALYTICS_CREDENTIAL', properties: ['312345678'] }
const settings = parseSettings(given)
const v3 = parseSettings({ ...given, api: 'v3' })
const batch = { sequence: 0, openedAt: 0, extent: 'delta' } as const

const analytics = { recipientId: 'google-analytics', purposes: ['analytics', 'cross-device-linking'] }
const userId: ResolvedIdentifier = { kind: 'user-id', form: 'raw', value: 'crm-000481' }
const browser: ResolvedIdentifier = { kind: 'browser-id', form: 'raw', value: '1234567890.1700000000' }
const app: ResolvedIdentifier = { kind: 'app-instance-id', form: 'raw', value: '0123456789abcdef0123456789abcdef' }
const phone: ResolvedIdentifier = { kind: 'phone', form: 'raw', value: '+14155550123' }
const email = emailIdentifiers('Jane.Doe+promo@Gmail.com', 'google-analytics-email')
const optOut = (name: string, identifiers: readonly ResolvedIdentifier[], options: TaskOptions = {}) =>
  anOptOut(name, { ...analytics, identifiers, ...options })

const jane = optOut('jane@example.org', [userId, browser, app, ...email, phone])
const bob = optOut('bob@example.org', [{ ...userId, value: 'crm-000482' }])

const plan = (tasks: readonly Task[], using = settings) => googleAnalytics.plan(tasks, using, batch)
const http = (planned: ReturnType<typeof plan>[number] | undefined): HttpRequest => {
  if (planned?.via !== 'http') throw new Error('an HTTP request')
  return planned
}
const bodies = (planned: ReturnType<typeof plan>) => planned.map((one) => (http(one).body as { json: unknown }).json)
const answer = (status: number, body: unknown = ''): Answer => ({
  via: 'http',
  status,
  headers: {},
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})
const outcome = (from: Answer, using = settings) => googleAnalytics.interpret(http(plan([bob], using)[0]), from, using).outcomes[0]?.outcome
const failure = (code: number, status: string, more: object = {}) => answer(code, { error: { code, message: 'Sorry.', status, ...more } })
const limited = (quotaLimit: string) =>
  failure(429, 'RESOURCE_EXHAUSTED', {
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'RATE_LIMIT_EXCEEDED',
        domain: 'googleapis.com',
        metadata: { quota_limit: quotaLimit },
      },
    ],
  })
const taken = answer(200, { deletionRequestTime: '2026-11-23T10:15:30.123Z' })
const descriptorOf = (using: typeof settings) =>
  typeof googleAnalytics.descriptor === 'function' ? googleAnalytics.descriptor(using) : googleAnalytics.descriptor

const tasks = [
  bob,
  jane,
  anOptIn('cy@example.org', { ...analytics, identifiers: [userId] }),
  anErasure('dee@example.org', { ...analytics, identifiers: [browser] }),
]
testConnector(googleAnalytics, { settings, tasks, answers: [taken, limited('UserDeletionRequestsPerDayPerProperty')] })
testConnector(googleAnalytics, { settings: v3, tasks, answers: [taken], runs: 50 })

describe('the plan', () => {
  it('deletes under every name of a person, one name a call, unhashed', () => {
    const planned = plan([jane])
    expect(bodies(planned)).toEqual([
      { userId: 'crm-000481' },
      { clientId: '1234567890.1700000000' },
      { appInstanceId: '0123456789abcdef0123456789abcdef' },
      { userProvidedData: 'janedoe+promo@gmail.com' },
      { userProvidedData: '+14155550123' },
    ])
    expect(new Set(planned.map((one) => http(one).path))).toEqual(new Set(['/v1alpha/properties/312345678:submitUserDeletion']))
    expect(planned.every(({ covers }) => covers.includes(jane.deliveryId))).toBe(true)
  })

  it('asks every property', () => {
    const two = parseSettings({ ...given, properties: ['312345678', '312345679'] })
    expect(plan([bob], two).map((one) => http(one).path)).toEqual([
      '/v1alpha/properties/312345678:submitUserDeletion',
      '/v1alpha/properties/312345679:submitUserDeletion',
    ])
    expect(descriptorOf(two).rate.requestsPerDay).toBe(1_000)
  })

  it('goes where the settings say, since an alpha may move', () => {
    const moved = parseSettings({ ...given, path: '/v1/properties/{property}:submitUserDeletion' })
    expect(http(plan([bob], moved)[0]).path).toBe('/v1/properties/312345678:submitUserDeletion')
  })

  it('spends one deletion on two spellings of an address, and none on a hash', () => {
    const spellings = ['Jane.Doe@gmail.com', 'janedoe@gmail.com', 'jane doe@gmail.com'].map(
      (value): ResolvedIdentifier => ({ kind: 'email', form: 'raw', value }),
    )
    expect(bodies(plan([optOut('jane@example.org', spellings)]))).toEqual([{ userProvidedData: 'janedoe@gmail.com' }])
    expect(plan([optOut('jane@example.org', emailIdentifiers('jane@example.org', 'plain-sha256-hex'))])).toMatchObject([
      { via: 'nothing', outcome: { reason: 'not-applicable.no-identifier' } },
    ])
  })

  it('deletes for one of its purposes refused, and on erasure', () => {
    const half = optOut('ada@example.org', [userId], { wanted: { analytics: 'granted', 'cross-device-linking': 'denied' } })
    const erasure = anErasure('ada@example.org', { ...analytics, identifiers: [userId] })
    expect([...bodies(plan([half])), ...bodies(plan([erasure]))]).toEqual([{ userId: 'crm-000481' }, { userId: 'crm-000481' }])
  })

  it('has nothing to say of an opt-in: Analytics keeps no list', () => {
    const optIn = anOptIn('ada@example.org', { ...analytics, identifiers: [userId] })
    const byDefault = anOptIn('ada@example.org', { ...analytics, identifiers: [userId], evidence: {} })
    expect(plan([optIn, byDefault])).toMatchObject([
      { outcome: { kind: 'notApplicable', reason: 'not-applicable.no-opt-in' } },
      { outcome: { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' } },
    ])
  })

  it('has a stable interface to fall back to, which knows no addresses and phones', () => {
    const planned = plan([jane], v3)
    expect(bodies(planned)).toEqual([
      { kind: 'analytics#userDeletionRequest', id: { type: 'USER_ID', userId: 'crm-000481' }, propertyId: '312345678' },
      { kind: 'analytics#userDeletionRequest', id: { type: 'CLIENT_ID', userId: '1234567890.1700000000' }, propertyId: '312345678' },
      {
        kind: 'analytics#userDeletionRequest',
        id: { type: 'APP_INSTANCE_ID', userId: '0123456789abcdef0123456789abcdef' },
        propertyId: '312345678',
      },
    ])
    expect(http(planned[0]).path).toBe('/analytics/v3/userDeletion/userDeletionRequests:upsert')
    expect(v3.baseUrl).toBe('https://www.googleapis.com')
    expect(descriptorOf(v3)).toMatchObject({ identifiers: ['user-id', 'browser-id', 'app-instance-id'], rate: { requestsPerMinute: 90 } })
  })
})

describe('an answer', () => {
  it.each([
    ['taken', taken, { kind: 'accepted', final: true, receipt: '2026-11-23T10:15:30.123Z' }],
    ['taken, but of another form', answer(200, { deletionTime: 'soon' }), { kind: 'deferred', reason: 'configuration.unexpected-answer' }],
    ['taken at no time', answer(200, { deletionRequestTime: 'soon' }), { kind: 'deferred', reason: 'configuration.unexpected-answer' }],
    ['a page', answer(200, '<html>'), { kind: 'deferred', reason: 'unavailable.unreadable-answer' }],
    ['400', failure(400, 'INVALID_ARGUMENT'), { kind: 'rejected', reason: 'item.invalid-argument' }],
    ['400 of a proxy', answer(400, '<html>'), { kind: 'deferred', reason: 'configuration.unexpected-answer' }],
    ['401', failure(401, 'UNAUTHENTICATED'), { kind: 'deferred', reason: 'auth.unauthenticated' }],
    ['403', failure(403, 'PERMISSION_DENIED'), { kind: 'deferred', reason: 'auth.permission-denied' }],
    ['403 of a proxy', answer(403, ''), { kind: 'deferred', reason: 'auth.forbidden' }],
    [
      '403, meaning 429',
      failure(403, 'PERMISSION_DENIED', { errors: [{ reason: 'rateLimitExceeded' }] }),
      { kind: 'deferred', reason: 'unavailable.rate-limited' },
    ],
    [
      '403, meaning that the quota is spent',
      failure(403, 'PERMISSION_DENIED', { errors: [{ reason: 'quotaExceeded' }] }),
      { kind: 'deferred', reason: 'unavailable.rate-limited' },
    ],
    [
      '403, meaning that the day is spent',
      failure(403, 'PERMISSION_DENIED', { errors: [{ reason: 'dailyLimitExceeded' }] }),
      { kind: 'deferred', reason: 'unavailable.daily-quota-spent', retryAfterSeconds: 21_600 },
    ],
    ['404', failure(404, 'NOT_FOUND'), { kind: 'deferred', reason: 'configuration.property-not-found' }],
    ['429 of a minute', limited('WritesPerMinutePerUser'), { kind: 'deferred', reason: 'unavailable.rate-limited' }],
    [
      '429 of a day',
      limited('UserDeletionRequestsPerDayPerProperty'),
      { kind: 'deferred', reason: 'unavailable.daily-quota-spent', retryAfterSeconds: 21_600 },
    ],
    [
      '429 with a delay',
      failure(429, 'RESOURCE_EXHAUSTED', { details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '12s' }] }),
      { kind: 'deferred', reason: 'unavailable.rate-limited', retryAfterSeconds: 12 },
    ],
    ['429 without a word', answer(429), { kind: 'deferred', reason: 'unavailable.rate-limited' }],
    ['500', failure(500, 'INTERNAL'), { kind: 'deferred', reason: 'unavailable.server-error' }],
    ['503', failure(503, 'UNAVAILABLE'), { kind: 'deferred', reason: 'unavailable.server-error' }],
    ['504', answer(504, '<html>'), { kind: 'deferred', reason: 'unavailable.server-error' }],
  ])('means: %s', (_, from, expected) => {
    expect(outcome(from)).toEqual(expected)
    expect(outcome(from, v3)).toEqual(expected)
  })
})

describe('pace', () => {
  it('keeps to what a property takes in a day, a few people at a time', () => {
    expect(descriptorOf(settings)).toMatchObject({
      batch: { maxTasks: 10 },
      rate: { requestsPerMinute: 180, requestsPerDay: 500 },
      confirmation: 'never',
    })
    const two = parseSettings({ ...given, api: 'v3', properties: ['1', '2'] })
    expect(descriptorOf(two).rate.requestsPerDay).toBe(500)
  })

  it('is counted by property', () => {
    expect(googleAnalytics.account?.(parseSettings({ ...given, properties: ['2', '1'] }))).toBe('google-analytics:v1alpha:1,2')
  })
})

describe('settings', () => {
  it.each([
    [{ ...given, properties: ['G-ABC123'] }, 'properties.0'],
    [{ ...given, properties: [] }, 'properties'],
    [{ ...given, credential: 'ya29.token' }, 'credential'],
    [{ ...given, path: '/v1alpha/delete' }, 'path'],
    [{ ...given, api: 'v4' }, 'api'],
    [{ ...given, baseUrl: 'http://analytics.example.com' }, 'baseUrl'],
  ])('that are wrong are refused by the name of the field', (wrong, field) => {
    expect(() => parseSettings(wrong)).toThrow(field)
  })
})
