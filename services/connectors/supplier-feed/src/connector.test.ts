import type { Answer, BatchContext, HttpAnswer, HttpRequest, NothingToSend, PlannedRequest, Task } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import type { Outcome } from '@heed/domain'
import { anErasure, anOptIn, anOptOut, exampleTime, type TaskOptions } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { supplierFeed } from './connector.ts'
import { inARowHeader } from './endpoint.ts'
import { parseSettings } from './settings.ts'

const given = {
  url: 'https://feeds.partner.example/heed?tenant=7',
  credential: 'env:KEY',
  signature: 'symmetric',
  acknowledgement: 'in-response',
}
const settings = parseSettings(given)
const byCallback = parseSettings({ ...given, acknowledgement: 'callback', acknowledgeWithinDays: 2 })
const batch: BatchContext = { sequence: 0, openedAt: exampleTime, extent: 'delta' }
const options: TaskOptions = { recipientId: 'affiliates', purposes: ['affiliate-sharing'], form: 'plain-sha256-hex' }
const optOut = (address: string, more: TaskOptions = {}) => anOptOut(address, { ...options, ...more })
const optIn = (address: string, more: TaskOptions = {}) => anOptIn(address, { ...options, ...more })
const ada = optOut('ada@example.org')
const bob = optIn('bob@example.org')
const cy = anErasure('cy@example.org', options)

const answer = (status: number, body: unknown = '', headers: Record<string, string> = {}): HttpAnswer => ({
  via: 'http',
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})
const isHttp = (planned: PlannedRequest | NothingToSend): planned is HttpRequest => planned.via === 'http'
const plan = (tasks: readonly Task[], by = settings) => supplierFeed.plan(tasks, by, batch).filter(isHttp)
const first = (by = settings) => plan([ada], by)[0] as HttpRequest
const idOf = (request: HttpRequest) => request.headers?.['webhook-id']
const bodyOf = (request: HttpRequest | undefined) =>
  (request?.body !== undefined && 'json' in request.body ? request.body.json : undefined) as { type: string; data: Record<string, unknown> }

const real: Answer[] = [
  answer(204),
  answer(202, { request_id: bodyOf(first()).data.request_id, request_status: 'pending' }),
  answer(200, { request_id: bodyOf(first()).data.request_id, request_status: 'failed' }),
]
describe('with the word in the answer', () => testConnector(supplierFeed, { settings, tasks: [ada, bob, cy], answers: real }))
describe('with a call afterwards', () => testConnector(supplierFeed, { settings: byCallback, tasks: [ada, bob, cy], answers: real }))
describe('without any word', () =>
  testConnector(supplierFeed, { settings: parseSettings({ ...given, acknowledgement: 'none' }), tasks: [ada, bob, cy], answers: real }))

describe('a message', () => {
  it('says what the person wants, of one identity, and nothing that is not granted', () => {
    const [request] = plan([ada])
    expect(request).toMatchObject({
      method: 'POST',
      path: '/heed?tenant=7',
      name: 'opt-out.post',
      headers: { 'content-type': 'application/json; charset=utf-8', 'webhook-id': expect.stringMatching(/^evt_[0-9a-f]{32}$/) },
    })
    expect(bodyOf(request)).toEqual({
      type: 'preference.opt_out',
      timestamp: '2026-03-01T09:30:00.000Z',
      data: {
        event_id: idOf(request as HttpRequest),
        request_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
        sequence: 1,
        series: expect.stringMatching(/^[0-9a-f]{32}$/),
        subject: {
          identity_type: 'email',
          identity_format: 'sha256',
          identity_value: ada.identifiers[0]?.value,
          hash_profile: 'plain-sha256-hex',
        },
        scope: { purpose: 'affiliate-sharing', channel: null, topic: null },
        regulation: null,
        effective_at: '2026-03-01T09:30:00.000Z',
        source: 'preference-service',
      },
    })
    expect(JSON.stringify([request?.path, request?.headers, request?.body])).not.toContain(ada.subjectId)
  })

  it('goes for each wish and each identity', () => {
    const both = { affiliates: 'affiliate-sharing', mail: 'email-marketing', offers: 'email-marketing/offers' }
    const task = optOut('ada@example.org', {
      wanted: { [both.affiliates]: 'denied', [both.mail]: 'granted', [both.offers]: 'denied' },
      identifiers: [
        { kind: 'email', form: 'legacy-md5-hex', value: '0123456789abcdef0123456789abcdef' },
        { kind: 'user-id', form: 'raw', value: 'crm-17' },
        { kind: 'idfa', form: 'device-lower-case', value: 'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93' },
      ],
    })
    const told = plan([task]).map(bodyOf)
    expect(told.map(({ type }) => type)).toEqual(Array(3).fill(['preference.opt_out', 'preference.topic_opt_out']).flat())
    expect(told.map(({ data }) => data.scope).slice(0, 2)).toEqual([
      { purpose: 'affiliate-sharing', channel: null, topic: null },
      { purpose: 'email-marketing', channel: null, topic: 'offers' },
    ])
    expect(told.map(({ data }) => data.subject).filter((_, index) => index % 2 === 0)).toEqual([
      { identity_type: 'email', identity_format: 'md5', identity_value: expect.any(String), hash_profile: 'legacy-md5-hex' },
      { identity_type: 'controller_customer_id', identity_format: 'raw', identity_value: 'crm-17', hash_profile: null },
      { identity_type: 'ios_advertising_id', identity_format: 'raw', identity_value: expect.any(String), hash_profile: null },
    ])
    // nobody can tell by series or ids that these are one person
    expect(new Set(told.map(({ data }) => data.series)).size).toBe(3)
    expect(new Set(told.flatMap(({ data }) => [data.event_id, data.request_id])).size).toBe(12)
  })

  it('calls a purpose as the partner does, and names the law where it is set', () => {
    const worded = parseSettings({
      ...given,
      regulation: 'gdpr',
      scopes: { 'affiliate-sharing': { purpose: 'marketing', channel: 'email' } },
    })
    expect(bodyOf(first(worded)).data).toMatchObject({ regulation: 'gdpr', scope: { purpose: 'marketing', channel: 'email', topic: null } })
  })

  it('tells of a consent only where the person gave it herself, and never under a rule that is given up', () => {
    expect(plan([bob]).map((request) => bodyOf(request).type)).toEqual(['preference.opt_in'])
    const byDefault = optIn('bob@example.org', { evidence: {} })
    expect(supplierFeed.plan([byDefault], settings, batch)).toEqual([
      { via: 'nothing', covers: [byDefault.deliveryId], outcome: { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' } },
    ])
    const identifiers = [
      ...bob.identifiers,
      { kind: 'email' as const, form: 'plain-sha256-hex', value: 'f'.repeat(64), former: true as const },
    ]
    expect(plan([optIn('bob@example.org', { identifiers })])).toHaveLength(1)
    expect(plan([optOut('bob@example.org', { identifiers })])).toHaveLength(2)
  })

  it('of an erasure is about the person as a whole', () => {
    expect(plan([cy]).map(bodyOf)).toMatchObject([{ type: 'privacy.erasure', data: { scope: null } }])
  })

  it('has the same id and the same bytes whenever the same wish is told again, and another when it is asked for anew', () => {
    const again = optOut('ada@example.org', { unknownBefore: true })
    expect(plan([again])).toEqual(plan([ada]))
    const later = supplierFeed.plan([ada], settings, { ...batch, openedAt: exampleTime + 86_400_000 })
    expect(later).toEqual(plan([ada]))
    for (const other of [
      optOut('ada@example.org', { version: 2 }),
      optOut('ada@example.org', { assertion: 5 }),
      optIn('ada@example.org'),
    ]) {
      expect(idOf(plan([other])[0] as HttpRequest)).not.toBe(idOf(first()))
    }
    const [next] = plan([optOut('ada@example.org', { version: 2 })])
    expect(bodyOf(next).data).toMatchObject({ sequence: 2, series: bodyOf(first()).data.series })
  })
})

describe('an answer', () => {
  const request = first()
  const { request_id: requestId } = bodyOf(request).data as { request_id: string }
  const read = (given: HttpAnswer, by = settings) => supplierFeed.interpret(request, given, by)
  const outcome = (given: HttpAnswer, by = settings) => read(given, by).outcomes[0]?.outcome

  it.each<[number, unknown, Outcome]>([
    [200, '', { kind: 'confirmed' }],
    [201, '<html>', { kind: 'confirmed' }],
    [204, '', { kind: 'confirmed' }],
    [202, '', { kind: 'accepted', final: true }],
    [200, { request_id: requestId, request_status: 'completed' }, { kind: 'confirmed' }],
    [202, { request_id: requestId, request_status: 'completed' }, { kind: 'confirmed' }],
    [200, { request_id: requestId, request_status: 'pending' }, { kind: 'accepted', final: true }],
    [200, { request_id: requestId, request_status: 'in_progress' }, { kind: 'accepted', final: true }],
    [200, { request_id: requestId, request_status: 'failed' }, { kind: 'rejected', reason: 'item.failed-at-partner' }],
    [200, { request_id: requestId, request_status: 'cancelled' }, { kind: 'rejected', reason: 'item.cancelled-by-partner' }],
    // words about another message are none about this one
    [200, { request_id: 'another', request_status: 'failed' }, { kind: 'confirmed' }],
  ])('%i %j means, where the contract gives it a meaning', (status, body, expected) => {
    expect(outcome(answer(status, body))).toEqual(expected)
  })

  it.each([200, 202, 204])('%i is taken and no more, where nothing more is ever said', (status) => {
    const silent = parseSettings({ ...given, acknowledgement: 'none' })
    expect(outcome(answer(status, { request_id: requestId, request_status: 'completed' }), silent)).toEqual({
      kind: 'accepted',
      final: true,
    })
  })

  it.each([200, 202, 204])('%i awaits the partner’s call, where there is to be one', (status) => {
    expect(read(answer(status, { request_id: requestId, request_status: 'completed' }), byCallback)).toEqual({
      outcomes: [],
      job: { id: requestId, pollAfterSeconds: 3_600 },
    })
  })

  it.each<[number, Outcome]>([
    [301, { kind: 'deferred', reason: 'configuration.redirected' }],
    [304, { kind: 'deferred', reason: 'configuration.redirected' }],
    [307, { kind: 'deferred', reason: 'configuration.redirected' }],
    [400, { kind: 'deferred', reason: 'item.refused' }],
    [401, { kind: 'deferred', reason: 'auth.refused' }],
    [403, { kind: 'deferred', reason: 'auth.refused' }],
    [404, { kind: 'deferred', reason: 'configuration.endpoint-missing' }],
    [405, { kind: 'deferred', reason: 'configuration.method-refused' }],
    [408, { kind: 'deferred', reason: 'unavailable.not-now', retryAfterSeconds: 30 }],
    [409, { kind: 'deferred', reason: 'item.refused' }],
    [410, { kind: 'deferred', reason: 'configuration.endpoint-gone' }],
    [413, { kind: 'deferred', reason: 'item.too-large' }],
    [415, { kind: 'deferred', reason: 'configuration.type-refused' }],
    [422, { kind: 'deferred', reason: 'item.refused' }],
    [425, { kind: 'deferred', reason: 'unavailable.not-now', retryAfterSeconds: 30 }],
    [429, { kind: 'deferred', reason: 'unavailable.rate-limited', retryAfterSeconds: 30 }],
    [500, { kind: 'deferred', reason: 'unavailable.server-error', retryAfterSeconds: 30 }],
    [502, { kind: 'deferred', reason: 'unavailable.server-error', retryAfterSeconds: 30 }],
    [503, { kind: 'deferred', reason: 'unavailable.server-error', retryAfterSeconds: 30 }],
    [504, { kind: 'deferred', reason: 'unavailable.server-error', retryAfterSeconds: 30 }],
  ])('%i rejects nobody', (status, expected) => {
    expect(outcome(answer(status, '', { 'retry-after': '30' }))).toEqual(expected)
    expect(outcome(answer(status, '', { 'retry-after': '30' }), byCallback)).toEqual(expected)
  })

  it('is waited for a day at the most, whatever it says, and not at all where it says nothing that can be read', () => {
    const wait = (text: string) => outcome(answer(503, '', { 'retry-after': text }))
    expect(wait('999999999')).toMatchObject({ retryAfterSeconds: 86_400 })
    for (const text of ['', 'soon', '-1', '1.5']) expect(wait(text)).toEqual({ kind: 'deferred', reason: 'unavailable.server-error' })
  })

  it('410 halts the endpoint, and nothing else does', () => {
    expect(read(answer(410)).halt).toBe('configuration.endpoint-gone')
    for (const status of [200, 301, 401, 404, 422, 500]) expect(read(answer(status)).halt).toBeUndefined()
  })

  it('that refuses message after message is the endpoint’s fault and no message’s', () => {
    const refused = (inARow: number) => outcome(answer(422, '', { [inARowHeader]: String(inARow) }))
    expect([1, 2, 3, 9].map((inARow) => refused(inARow))).toMatchObject([
      { reason: 'item.refused' },
      { reason: 'item.refused' },
      { reason: 'configuration.messages-refused' },
      { reason: 'configuration.messages-refused' },
    ])
  })

  it('may end the tries of one message: then a person has to look', () => {
    const headers = { 'webhook-delivery': 'abort-message' }
    expect(outcome(answer(400, '', headers))).toEqual({ kind: 'rejected', reason: 'item.refused-for-good' })
    expect(outcome(answer(503, '', headers))).toEqual({ kind: 'rejected', reason: 'item.refused-for-good' })
    expect(outcome(answer(200, '', headers))).toEqual({ kind: 'confirmed' })
  })
})

describe('a call of the partner', () => {
  it.each([
    ['completed', { kind: 'confirmed' }],
    ['failed', { kind: 'rejected', reason: 'item.failed-at-partner' }],
    ['cancelled', { kind: 'rejected', reason: 'item.cancelled-by-partner' }],
  ] as const)('that says %s is its word about every delivery covered', (status, outcome) => {
    expect(supplierFeed.hear?.({ jobId: 'r1', status }, [ada.deliveryId], byCallback)).toEqual({
      outcomes: [{ deliveryId: ada.deliveryId, outcome }],
    })
  })
})
