import type { HttpAnswer, PlannedRequest } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import { anErasure, anOptIn, anOptOut, emailIdentifiers } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { hashedEmail } from './connector.ts'
import { parseSettings } from './settings.ts'

const given = { transport: 'liveramp', organisation: 'ORG-1', credential: 'env:LIVERAMP_TOKEN' }
const settings = parseSettings(given)
const options = { recipientId: 'cross-device-partners', purposes: ['cross-device-linking', 'interest-based-advertising'] } as const
const ada = anOptOut('ada@example.org', options)
const bob = anOptIn('bob@example.org', options)
const batch = { sequence: 0, openedAt: 0, extent: 'delta' } as const
const uuid = '456e7890-f12b-34c5-d678-901234567890'

const answer = (status: number, json?: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
  via: 'http',
  status,
  headers,
  body: Buffer.from(json === undefined ? '' : JSON.stringify(json)),
})
const created = answer(201, { request_uuid: uuid, status: 'ACCEPTED', message: 'Request created successfully', is_duplicate: false })

testConnector(hashedEmail, {
  settings,
  tasks: [ada, bob, anErasure('dee@example.org', options)],
  secrets: ['eyJhbGciOi'],
  answers: [created, answer(422, { message: 'Invalid email', time: '2026-03-01T10:00:00Z' })],
  job: { id: uuid, pollAfterSeconds: 60 },
})

const plan = (...tasks: Parameters<typeof hashedEmail.plan>[0]) => hashedEmail.plan(tasks, settings, batch)
const create = plan(ada)[0] as PlannedRequest
const read = (request: PlannedRequest, given: HttpAnswer) => hashedEmail.interpret(request, given, settings)
const outcomeOf = (request: PlannedRequest, given: HttpAnswer) => read(request, given).outcomes[0]?.outcome

describe('a request', () => {
  it('asks for an opt-out by the address itself, in the name of the organisation', () => {
    expect(plan(ada)).toEqual([
      {
        via: 'http',
        intent: 'assert',
        name: 'request.create',
        method: 'POST',
        path: '/v1/requests',
        headers: { 'LR-Org-ID': 'ORG-1' },
        covers: [ada.deliveryId],
        body: { json: { request_type: 'OPT_OUT', email: 'ada@example.org' } },
      },
    ])
  })

  it('goes out for every address of a person', () => {
    const two = anOptOut('ada@example.org', {
      ...options,
      identifiers: [...emailIdentifiers('ada@example.org'), ...emailIdentifiers('ada@example.com')],
    })
    expect(plan(two).map((one) => one.via === 'http' && one.body)).toMatchObject([
      { json: { email: 'ada@example.org' } },
      { json: { email: 'ada@example.com' } },
    ])
  })

  it('asks for deletion where somebody is to be forgotten', () => {
    expect(plan(anErasure('dee@example.org', options))[0]).toMatchObject({ body: { json: { request_type: 'DELETION' } } })
  })

  it.each([
    ['there is no opt-in', bob, 'not-applicable.no-opt-in'],
    ['nobody asked for anything', anOptIn('cy@example.org', { ...options, evidence: {} }), 'not-applicable.nothing-held-there'],
    ['a hash is all there is', anOptOut('ada@example.org', { ...options, form: 'plain-sha256-hex' }), 'not-applicable.no-identifier'],
  ])('does not go out where %s', (_, task, reason) => {
    expect(plan(task)).toEqual([{ via: 'nothing', covers: [task.deliveryId], outcome: { kind: 'notApplicable', reason } }])
  })
})

describe('an answer to a request', () => {
  it.each([
    ['201: taken', created],
    ['200: taken before, under the same number', answer(200, { request_uuid: uuid, status: 'COMPLETED', is_duplicate: true })],
  ])('%s, is followed and confirms nothing yet', (_, given) => {
    expect(read(create, given)).toEqual({ outcomes: [], job: { id: uuid, pollAfterSeconds: 60 } })
  })

  it.each([
    [400, 'rejected', 'item.refused-by-partner'],
    [422, 'rejected', 'item.refused-by-partner'],
    [401, 'deferred', 'auth.unauthenticated'],
    [403, 'deferred', 'auth.forbidden'],
    [404, 'deferred', 'configuration.unexpected-answer'],
    [408, 'deferred', 'unavailable.timeout'],
    [429, 'deferred', 'unavailable.rate-limited'],
    [500, 'deferred', 'unavailable.server-error'],
    [502, 'deferred', 'unavailable.server-error'],
    [503, 'deferred', 'unavailable.server-error'],
    [504, 'deferred', 'unavailable.server-error'],
  ])('%i is %s, %s', (status, kind, reason) => {
    expect(outcomeOf(create, answer(status, { message: 'no', time: '2026-03-01T10:00:00Z' }))).toEqual({ kind, reason })
  })

  it('that cannot be read is no success', () => {
    expect(outcomeOf(create, answer(201, { status: 'ACCEPTED' }))).toEqual({ kind: 'deferred', reason: 'unavailable.unreadable-answer' })
  })

  it('that says how long to wait is heard', () => {
    expect(outcomeOf(create, answer(429, {}, { 'retry-after': '30' }))).toMatchObject({ retryAfterSeconds: 30 })
  })
})

describe('a look', () => {
  const follow = hashedEmail.follow?.({ id: uuid, pollAfterSeconds: 60 }, [ada.deliveryId], settings) as PlannedRequest
  const seen = (status: string) => answer(200, { privacy_request: { request_uuid: uuid, request_type: 'OPT_OUT', status } })

  it('names the request by its number', () => {
    expect(follow).toMatchObject({ method: 'GET', path: '/v1/requests', query: { uuid }, headers: { 'LR-Org-ID': 'ORG-1' } })
  })

  it('confirms what is completed, in either shape of the answer', () => {
    expect(outcomeOf(follow, seen('COMPLETED'))).toEqual({ kind: 'confirmed' })
    expect(outcomeOf(follow, answer(200, { privacy_requests: [{ status: 'COMPLETED' }] }))).toEqual({ kind: 'confirmed' })
  })

  it('leaves what failed to a person: the same request again would be answered with the same number', () => {
    expect(outcomeOf(follow, seen('FAILED'))).toEqual({ kind: 'rejected', reason: 'item.failed-at-partner' })
  })

  it.each(['ACCEPTED', 'PROCESSING'])('goes on while it is %s', (status) => {
    expect(read(follow, seen(status))).toEqual({ outcomes: [], job: { id: uuid, pollAfterSeconds: 60 } })
  })

  it.each([
    [401, 'auth.unauthenticated'],
    [503, 'unavailable.server-error'],
    [200, 'unavailable.unreadable-answer'],
  ])('answered with %i says nothing about anybody', (status, reason) => {
    expect(read(follow, answer(status))).toMatchObject({ outcomes: [], job: { id: uuid }, trouble: { reason } })
  })

  it('at a number that nobody knows asks once more', () => {
    expect(outcomeOf(follow, answer(404, { message: 'Not found' }))).toEqual({ kind: 'deferred', reason: 'unavailable.request-unknown' })
  })
})

describe('settings', () => {
  it.each([
    [{ ...given, organisation: undefined }, 'organisation'],
    [{ ...given, credential: undefined }, 'credential'],
    [{ ...given, credentials: { accountId: 'env:A', secretKey: 'env:B' } }, 'credential'],
    [{ ...given, credential: 'eyJhbGciOi' }, 'credential'],
    [{ ...given, baseUrl: 'http://privacy.example' }, 'baseUrl'],
    [{ ...given, hashProfile: 'plain-sha256-hex' }, 'hashProfile'],
  ])('that are wrong are refused by the name of the field: %j', (wrong, field) => {
    expect(() => parseSettings(wrong)).toThrow(field)
  })

  it('go to the vendor itself unless told', () => {
    expect(settings).toMatchObject({ baseUrl: 'https://privacy-api.liveramp.com', followDays: 15 })
  })
})
