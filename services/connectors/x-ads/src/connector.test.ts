import { createHash } from 'node:crypto'
import type { Answer, HttpRequest, Interpretation, PlannedRequest, ResolvedIdentifier, Task } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import { deriveForm, type IdentifierKind } from '@heed/domain'
import { anErasure, anOptIn, anOptOut } from '@heed/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { xAds } from './connector.ts'
import { bodyBytes, maxBodyBytes, type Operation } from './operations.ts'
import { parseSettings } from './settings.ts'

const given = {
  baseUrl: 'https://ads-api.x.com',
  credentials: { consumerKey: 'env:CK', consumerSecret: 'env:CS', accessToken: 'env:AT', accessTokenSecret: 'env:ATS' },
  accountId: '18ce5exmpl',
  audiences: ['1exmp'],
}
const settings = parseSettings(given)
const withBarrier = parseSettings({ ...given, doNotReachList: '5dnr' })
const batch = { sequence: 0, openedAt: Date.UTC(2026, 10, 23, 10, 30), extent: 'delta' } as const
const purposes = ['social-audiences', 'interest-based-advertising']
const options = { recipientId: 'x', purposes, form: 'plain-sha256-hex' }

const identifier = (kind: IdentifierKind, form: string, text: string): ResolvedIdentifier => {
  const [value = ''] = deriveForm(kind, text, form, (name, utf8) => createHash(name).update(utf8).digest())
  return { kind, form, value }
}
const everyKey = [
  identifier('email', 'plain-sha256-hex', 'Jane.Doe@example.com'),
  identifier('email', 'plain-sha256-hex', 'jane@example.org'),
  identifier('phone', 'e164-sha256-hex', '+14155550123'),
  identifier('user-id', 'raw', 'crm-000481'),
  identifier('idfa', 'device-sha256-hex', 'C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93'),
]
const ada = anOptOut('ada@example.org', options)
const bob = anOptOut('bob@example.org', options)
const cy = anOptOut('cy@example.org', options)
const dee = anOptIn('dee@example.org', options)
const jane = anOptOut('jane.doe@example.com', { ...options, identifiers: everyKey })

const requests = (tasks: readonly Task[], using = settings): HttpRequest[] =>
  xAds.plan(tasks, using, batch).filter((planned): planned is HttpRequest => planned.via === 'http')
const only = (tasks: readonly Task[], using = settings): HttpRequest => {
  const [request] = requests(tasks, using)
  if (request === undefined) throw new Error('a request')
  return request
}
const operations = (request: PlannedRequest | undefined): Operation[] =>
  request?.via === 'http' && request.body !== undefined && 'json' in request.body ? (request.body.json as Operation[]) : []
const answer = (status: number, body: unknown = '', headers: Record<string, string> = {}): Answer => ({
  via: 'http',
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})
const taken = (count: number) => answer(200, { data: { success_count: count, total_count: count } })
const failed = (status: number, code: string, headers: Record<string, string> = {}, parameter = '') =>
  answer(status, { errors: [{ code, message: 'm', parameter }], request: { params: {} } }, headers)
const refusing = (...entries: unknown[]) => answer(400, { operation_errors: entries, request: {} })
const fault = { code: 'INVALID_PARAMETER', message: 'm', parameter: 'email' }
const read = (request: PlannedRequest, of: Answer): Interpretation => xAds.interpret(request, of, settings)
const outcomes = (interpretation: Interpretation) =>
  Object.fromEntries(interpretation.outcomes.map(({ deliveryId, outcome }) => [deliveryId, outcome]))

testConnector(xAds, {
  settings: withBarrier,
  tasks: [ada, bob, jane, dee, anErasure('ema@example.org', options)],
  answers: [
    taken(5),
    refusing([], [fault]),
    failed(429, 'TOO_MANY_REQUESTS', { 'x-rate-limit-reset': '1790000060' }),
    answer(200, { data: [{ success_count: 1, total_count: 1 }] }),
  ],
})

describe('the plan', () => {
  it('puts people of one kind of change into one operation, removals first, in every audience of the account', () => {
    const [first, second, ...more] = requests([dee, ada, bob], parseSettings({ ...given, audiences: ['1exmp', '2exmp'] }))
    expect(more).toEqual([])
    expect([first?.path, second?.path]).toEqual([
      '/12/accounts/18ce5exmpl/custom_audiences/1exmp/users',
      '/12/accounts/18ce5exmpl/custom_audiences/2exmp/users',
    ])
    expect(operations(first).map(({ operation_type, params }) => [operation_type, params.users.length])).toEqual([
      ['Delete', 2],
      ['Update', 1],
    ])
    expect(first?.covers).toEqual([ada.deliveryId, bob.deliveryId, dee.deliveryId])
  })

  it('sends all keys of a person in one user object', () => {
    expect(operations(only([jane]))).toEqual([
      {
        operation_type: 'Delete',
        params: {
          users: [
            {
              email: ['86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d', everyKey[1]?.value],
              phone_number: ['36a2cef4ff9bf7a1abd2a93359136b870393be4106e6c5d19b72ff564f9deca4'],
              device_id: ['2037680095afb452aeae985e6f39ada474bce05cd712b79f3f843fef0af68346'],
              partner_user_id: ['crm-000481'],
            },
          ],
        },
      },
    ])
  })

  it('takes out whoever refused one of the purposes, and whoever is to be forgotten', () => {
    const half = anOptIn('ada@example.org', {
      ...options,
      wanted: { 'social-audiences': 'denied', 'interest-based-advertising': 'granted' },
    })
    for (const task of [half, anErasure('ada@example.org', options)])
      expect(operations(only([task]))).toMatchObject([{ operation_type: 'Delete' }])
  })

  it('adds nobody for a default', () => {
    const byDefault = anOptIn('ada@example.org', { ...options, evidence: {} })
    expect(xAds.plan([byDefault], withBarrier, batch)).toEqual([
      { via: 'nothing', covers: [byDefault.deliveryId], outcome: { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' } },
    ])
  })

  it('never sends an address that is not hashed', () => {
    const raw = anOptOut('ada@example.org', { ...options, form: 'raw' })
    expect(xAds.plan([raw], withBarrier, batch)).toMatchObject([{ via: 'nothing', outcome: { reason: 'not-applicable.no-identifier' } }])
  })

  it('keeps each body below five million bytes, counted as it leaves, and loses nobody', () => {
    const devices = Array.from({ length: 60 }, (_, index) => identifier('gaid', 'device-sha256-hex', `device-${index}`))
    const many = Array.from({ length: 2_500 }, (_, index) => {
      const options_ = { ...options, identifiers: devices }
      return index % 2 === 0 ? anOptOut(`p${index}@example.org`, options_) : anOptIn(`p${index}@example.org`, options_)
    })
    const sent = requests(many)
    expect(sent.length).toBeGreaterThan(2)
    for (const request of sent) {
      expect(Buffer.byteLength(JSON.stringify(operations(request)))).toBeLessThanOrEqual(maxBodyBytes)
      expect(request.covers).toHaveLength(operations(request).reduce((count, { params }) => count + params.users.length, 0))
    }
    // full bodies: the first could hold nobody else
    expect(bodyBytes(operations(sent[0]))).toBeGreaterThan(maxBodyBytes - 10_000)
    expect(new Set(sent.flatMap(({ covers }) => covers)).size).toBe(2_500)
  })

  it('measures what is not ASCII by its bytes', () => {
    const wide = Array.from({ length: 2_500 }, (_, index) =>
      anOptOut(`p${index}@example.org`, { ...options, identifiers: [{ kind: 'user-id', form: 'raw', value: '\u{1F4E6}'.repeat(700) }] }),
    )
    for (const request of requests(wide)) expect(Buffer.byteLength(JSON.stringify(operations(request)))).toBeLessThanOrEqual(maxBodyBytes)
  })

  it('sends 10,000 opt-outs in as many requests as the vendor’s own batch size allows', () => {
    expect(requests(Array.from({ length: 2_500 }, (_, index) => anOptOut(`p${index}@example.org`, options)))).toHaveLength(1)
  })

  it('puts people on the Do Not Reach List where the settings name it: e-mail and phone only, for less than 13 months', () => {
    const deviceOnly = anOptOut('fay@example.org', { ...options, identifiers: [identifier('gaid', 'device-sha256-hex', 'a-device')] })
    const barrier = requests([jane, dee, deviceOnly], withBarrier).filter(({ name }) => name === 'do-not-reach.users')
    expect(barrier).toMatchObject([
      { path: '/12/batch/accounts/18ce5exmpl/do_not_reach_lists/5dnr/users', covers: [dee.deliveryId, jane.deliveryId] },
    ])
    expect(operations(barrier[0]).map(({ operation_type }) => operation_type)).toEqual(['Delete', 'Update'])
    expect(Object.keys(operations(barrier[0])[1]?.params.users[0] ?? {})).toEqual(['email', 'phone_number'])
    expect(operations(barrier[0])[1]?.params.expires_at).toBe('2027-11-23T10:30:00Z')
    expect(operations(barrier[0])[0]?.params).not.toHaveProperty('expires_at')
    expect(requests([jane]).some(({ name }) => name === 'do-not-reach.users')).toBe(false)
  })
})

describe('an answer', () => {
  const two = only([ada, bob])

  it('is accepted, and no more, when its counts equal the people sent', () => {
    expect(outcomes(read(two, taken(2)))).toEqual({
      [ada.deliveryId]: { kind: 'accepted', final: true },
      [bob.deliveryId]: { kind: 'accepted', final: true },
    })
    expect(outcomes(read(two, answer(200, { data: [{ success_count: 2, total_count: 2 }] })))).toMatchObject({
      [ada.deliveryId]: { kind: 'accepted' },
    })
  })

  it.each([
    ['fewer were taken', { success_count: 1, total_count: 2 }],
    ['fewer arrived', { success_count: 1, total_count: 1 }],
    ['more than were sent', { success_count: 3, total_count: 3 }],
  ])('is a failure when %s: the same once more, and halves of it after that', (_, data) => {
    const again = read(two, answer(200, { data }))
    expect(again.outcomes).toEqual([])
    expect(again.next).toMatchObject({ path: two.path, covers: two.covers, body: two.body })
    if (again.next === undefined) throw new Error('a repeat')
    expect(outcomes(read(again.next, answer(200, { data })))).toMatchObject({
      [ada.deliveryId]: { kind: 'deferred', reason: 'batch.counts-differ' },
      [bob.deliveryId]: { kind: 'deferred', reason: 'batch.counts-differ' },
    })
    expect(outcomes(read(again.next, taken(2)))).toMatchObject({ [ada.deliveryId]: { kind: 'accepted' } })
  })

  it.each([
    [400, 'INVALID', {}, 'batch.refused', undefined],
    [400, 'INVALID_PARAMETER', {}, 'batch.refused', undefined],
    [400, 'MISSING_PARAMETER', {}, 'batch.refused', undefined],
    [401, 'UNAUTHORIZED_ACCESS', {}, 'auth.unauthorized', undefined],
    [403, 'UNAUTHORIZED_CLIENT_APPLICATION', {}, 'auth.app-not-allowed', undefined],
    [403, 'ACCOUNT_NOT_FOUND', {}, 'auth.account-not-found', undefined],
    [403, 'ACTION_NOT_ALLOWED', {}, 'auth.action-not-allowed', undefined],
    [404, 'NOT_FOUND', {}, 'configuration.audience-not-found', undefined],
    [404, 'TAILORED_AUDIENCE_NOT_FOUND', {}, 'configuration.audience-not-found', undefined],
    [404, 'ROUTE_NOT_FOUND', {}, 'configuration.route-not-found', undefined],
    [408, 'CANCELLED_REQUEST', {}, 'unavailable.cancelled', undefined],
    [423, 'LOCK_ACQUISITION_TIMEOUT', {}, 'unavailable.locked', undefined],
    [429, 'TOO_MANY_REQUESTS', {}, 'unavailable.rate-limited', 60],
    [500, 'INTERNAL_ERROR', {}, 'unavailable.server-error', undefined],
    [503, 'SERVICE_UNAVAILABLE', { 'retry-after': '30' }, 'unavailable.server-error', 30],
    [503, 'OVER_CAPACITY', {}, 'unavailable.server-error', undefined],
  ] as const)('%i %s', (status, code, headers, reason, retryAfterSeconds) => {
    const outcome = { kind: 'deferred', reason, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }
    expect(outcomes(read(two, failed(status, code, headers)))).toEqual({ [ada.deliveryId]: outcome, [bob.deliveryId]: outcome })
  })

  it.each([
    [400, 'batch.refused'],
    [401, 'auth.unauthorized'],
    [403, 'auth.forbidden'],
    [404, 'configuration.audience-not-found'],
    [408, 'unavailable.cancelled'],
    [413, 'batch.too-long'],
    [423, 'unavailable.locked'],
    [429, 'unavailable.rate-limited'],
    [500, 'unavailable.server-error'],
    [503, 'unavailable.server-error'],
    [200, 'unavailable.unreadable-answer'],
    [302, 'configuration.unexpected-answer'],
  ])('without a body that can be read goes by its status %i', (status, reason) => {
    expect(outcomes(read(two, answer(status, '<html>')))[ada.deliveryId]).toMatchObject({ kind: 'deferred', reason })
  })

  it('blames nobody for an account or an audience that is not ours', () => {
    expect(outcomes(read(two, failed(400, 'INVALID_PARAMETER', {}, 'custom_audience_id')))[ada.deliveryId]).toEqual({
      kind: 'deferred',
      reason: 'configuration.id-invalid',
    })
  })
})

describe('a limit', () => {
  const one = only([ada])
  const date = 'Mon, 23 Nov 2026 10:30:00 GMT'
  const now = Date.parse(date) / 1000
  const wait = (headers: Record<string, string>) => outcomes(read(one, failed(429, 'TOO_MANY_REQUESTS', headers)))[ada.deliveryId]

  it('is waited for until the account’s reset, or else the token’s, by the vendor’s own clock', () => {
    expect(wait({ date, 'x-account-rate-limit-reset': String(now + 300), 'x-rate-limit-reset': String(now + 20) })).toMatchObject({
      retryAfterSeconds: 300,
    })
    expect(wait({ date, 'x-rate-limit-reset': String(now + 20) })).toMatchObject({ retryAfterSeconds: 20 })
  })

  it('is a minute where the vendor does not say, and never absurd', () => {
    expect(wait({})).toMatchObject({ retryAfterSeconds: 60 })
    expect(wait({ date, 'x-rate-limit-reset': 'soon' })).toMatchObject({ retryAfterSeconds: 60 })
    expect(wait({ date, 'x-rate-limit-reset': String(now - 5) })).toMatchObject({ retryAfterSeconds: 1 })
    expect(wait({ date, 'x-rate-limit-reset': String(now + 1e6) })).toMatchObject({ retryAfterSeconds: 900 })
  })

  it('that is spent slows down before it is hit', () => {
    const spent = answer(
      200,
      { data: { success_count: 1, total_count: 1 } },
      { date, 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': String(now + 12) },
    )
    expect(read(one, spent)).toMatchObject({ slowDownSeconds: 12, outcomes: [{ outcome: { kind: 'accepted' } }] })
    const left = answer(
      200,
      { data: { success_count: 1, total_count: 1 } },
      { date, 'x-rate-limit-remaining': '7', 'x-rate-limit-reset': String(now + 12) },
    )
    expect(read(one, left)).not.toHaveProperty('slowDownSeconds')
  })
})

describe('operations that the vendor names', () => {
  it('refuse nobody but the one who was an operation alone; the others go again at once', () => {
    const first = read(only([ada, bob, dee]), refusing([], [fault]))
    expect(outcomes(first)).toEqual({ [dee.deliveryId]: { kind: 'rejected', reason: 'item.invalid-parameter' } })
    expect(first.next?.covers).toEqual([ada.deliveryId, bob.deliveryId])
    expect(operations(first.next)).toMatchObject([{ operation_type: 'Delete', params: { users: [{}, {}] } }])
  })

  it('of several people are taken apart, until the vendor says whom it means', () => {
    const first = read(only([ada, bob, cy]), refusing([fault]))
    expect(first.outcomes).toEqual([])
    expect(operations(first.next)).toMatchObject([{ params: { users: [{}] } }, { params: { users: [{}] } }, { params: { users: [{}] } }])
    if (first.next === undefined) throw new Error('a next step')
    const second = read(first.next, refusing(null, [fault], {}))
    expect(outcomes(second)).toEqual({ [bob.deliveryId]: { kind: 'rejected', reason: 'item.invalid-parameter' } })
    expect(second.next?.covers).toEqual([ada.deliveryId, cy.deliveryId])
    if (second.next === undefined) throw new Error('a next step')
    expect(outcomes(read(second.next, taken(2)))).toEqual({
      [ada.deliveryId]: { kind: 'accepted', final: true },
      [cy.deliveryId]: { kind: 'accepted', final: true },
    })
  })

  it('count also where the status says 200: nothing was taken', () => {
    const body = { data: { success_count: 1, total_count: 1 }, operation_errors: [[fault]] }
    expect(outcomes(read(only([ada]), answer(200, body)))).toEqual({
      [ada.deliveryId]: { kind: 'rejected', reason: 'item.invalid-parameter' },
    })
  })

  it('that no request has are left to halves of it', () => {
    expect(outcomes(read(only([ada, bob]), refusing([], [], [fault])))).toMatchObject({
      [ada.deliveryId]: { kind: 'deferred', reason: 'batch.operations-refused' },
    })
  })

  it('end: after some cuts the rest goes in halves', () => {
    let request: PlannedRequest = only(Array.from({ length: 30 }, (_, index) => anOptOut(`p${index}@example.org`, options)))
    let steps = 0
    let last: Interpretation = { outcomes: [] }
    for (; steps < 20; steps += 1) {
      last = read(request, refusing([fault]))
      if (last.next === undefined) break
      request = last.next
    }
    expect(steps).toBe(8)
    expect(new Set(last.outcomes.map(({ outcome }) => ('reason' in outcome ? outcome.reason : '')))).toEqual(
      new Set(['item.invalid-parameter', 'batch.operations-refused']),
    )
  })

  it('with no entry that holds a fault are no names: the status decides', () => {
    expect(outcomes(read(only([ada]), refusing([], {}, null)))).toMatchObject({
      [ada.deliveryId]: { kind: 'deferred', reason: 'batch.refused' },
    })
  })
})

describe('a request with bad people in it', () => {
  const people = Array.from({ length: 40 }, (_, index) =>
    index % 3 === 0 ? anOptIn(`q${index}@example.org`, options) : anOptOut(`q${index}@example.org`, options),
  )
  const hashOf = ({ identifiers }: Task) => identifiers[0]?.value ?? ''

  it('ends with all others taken, and with nobody of theirs refused, wherever they stand', () => {
    const property = fc.property(fc.uniqueArray(fc.nat(39), { maxLength: 12 }), (places) => {
      const bad = new Set(places.map((place) => hashOf(people[place] as Task)))
      const held = new Set<string>()
      // all or nothing, and each faulty operation named
      const vendor = (request: PlannedRequest): Answer => {
        const faults = operations(request).map(({ params }) => (params.users.some(({ email }) => bad.has(email?.[0] ?? '')) ? [fault] : []))
        if (faults.some((one) => one.length > 0)) return refusing(...faults)
        const users = operations(request).flatMap(({ params }) => params.users)
        for (const { email } of users) held.add(email?.[0] ?? '')
        return taken(users.length)
      }
      const said: Interpretation['outcomes'][number][] = []
      for (let step: PlannedRequest | undefined = only(people), count = 0; step !== undefined; count += 1) {
        expect(count).toBeLessThan(4)
        const interpretation = read(step, vendor(step))
        said.push(...interpretation.outcomes)
        step = interpretation.next
      }
      expect(said).toHaveLength(40)
      for (const person of people) {
        const kinds = said.filter(({ deliveryId }) => deliveryId === person.deliveryId).map(({ outcome }) => outcome.kind)
        expect(kinds).toEqual([bad.has(hashOf(person)) ? 'rejected' : 'accepted'])
        expect(held.has(hashOf(person))).toBe(!bad.has(hashOf(person)))
      }
    })
    fc.assert(property, { numRuns: 50 })
  })
})

describe('the settings', () => {
  it.each([
    ['audiences', { audiences: [] }],
    ['audiences.0', { audiences: ['UPPER'] }],
    ['credentials.consumerKey', { credentials: { ...given.credentials, consumerKey: 'ck_live' } }],
    ['doNotReachList', { doNotReachList: true }],
    ['collectMinutes', { collectMinutes: 90 }],
  ])('name %s when it is wrong', (field, more) => {
    expect(() => parseSettings({ ...given, ...more })).toThrow(expect.objectContaining({ field }))
  })

  it('decide how long changes are collected', () => {
    const of = (collectMinutes: number) =>
      (typeof xAds.descriptor === 'function' ? xAds.descriptor({ ...settings, collectMinutes }) : xAds.descriptor).batch
    expect(of(15)).toEqual({ maxTasks: 2_500, inOneRequest: true, collectSeconds: 900 })
    expect(of(0)).toEqual({ maxTasks: 2_500, inOneRequest: true })
  })
})
