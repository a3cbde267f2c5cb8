import type { Answer, HttpRequest, ResolvedIdentifier, Task } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import { anErasure, anOptIn, anOptOut, emailIdentifiers } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { linkedinAds } from './connector.ts'
import { parseSettings } from './settings.ts'

const given = {
  credentials: { clientId: 'env:ID', clientSecret: 'env:SECRET', refreshToken: 'env:REFRESH' },
  apiVersion: '202607',
  segments: ['12345678'],
}
const settings = parseSettings(given)
const batch = { sequence: 0, openedAt: 0, extent: 'delta' } as const
const purposes = ['social-audiences', 'interest-based-advertising']
const options = { recipientId: 'linkedin', purposes, form: 'nows-sha256-hex' }
const gaid: ResolvedIdentifier = { kind: 'gaid', form: 'raw', value: 'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93' }
const [hash] = emailIdentifiers('Jane.Doe@example.com', 'nows-sha256-hex')
if (hash === undefined) throw new Error('a hash')

const jane = anOptOut('jane.doe@example.com', { ...options, identifiers: [hash, gaid] })
const ada = anOptOut('ada@example.org', options)
const bob = anOptOut('bob@example.org', options)
const dee = anOptIn('dee@example.org', { ...options, identifiers: [...emailIdentifiers('dee@example.org', 'nows-sha256-hex'), gaid] })

const requests = (tasks: readonly Task[], using = settings): HttpRequest[] =>
  linkedinAds.plan(tasks, using, batch).filter((planned): planned is HttpRequest => planned.via === 'http')
const only = (tasks: readonly Task[]): HttpRequest => {
  const [request] = requests(tasks)
  if (request === undefined) throw new Error('a request')
  return request
}
const answer = (status: number, body: unknown = '', headers: Record<string, string> = {}): Answer => ({
  via: 'http',
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})
const elements = (...statuses: unknown[]) =>
  answer(200, { elements: statuses.map((status) => (status === 201 ? { status } : { status, error: { status, message: 'm' } })) })
const read = (request: HttpRequest, of: Answer) =>
  Object.fromEntries(linkedinAds.interpret(request, of, settings).outcomes.map(({ deliveryId, outcome }) => [deliveryId, outcome]))
const accepted = { kind: 'accepted', final: true }

testConnector(linkedinAds, {
  settings,
  tasks: [jane, ada, dee, anErasure('ema@example.org', options)],
  answers: [elements(201, 400, 201, 201, 201), answer(429, { status: 429, serviceErrorCode: 101, message: 'm' }), elements(201)],
})

describe('the plan', () => {
  it('removes and adds in one batch, with the headers without which the address means something else', () => {
    expect(requests([jane, dee])).toEqual([
      {
        via: 'http',
        intent: 'assert',
        name: 'segment.users',
        method: 'POST',
        path: '/rest/dmpSegments/12345678/users',
        headers: { 'linkedin-version': '202607', 'x-restli-protocol-version': '2.0.0', 'x-restli-method': 'BATCH_CREATE' },
        covers: [jane.deliveryId, dee.deliveryId],
        note: { elements: [0, 0, 1] },
        body: {
          json: {
            elements: [
              {
                action: 'REMOVE',
                userIds: [{ idType: 'SHA256_EMAIL', idValue: '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d' }],
              },
              { action: 'REMOVE', userIds: [{ idType: 'GOOGLE_AID', idValue: gaid.value }] },
              {
                action: 'ADD',
                userIds: [
                  { idType: 'SHA256_EMAIL', idValue: dee.identifiers[0]?.value },
                  { idType: 'GOOGLE_AID', idValue: gaid.value },
                ],
              },
            ],
          },
        },
      },
    ])
  })

  it('has the vectors of the vendor’s rule', () => {
    const sha512 = anOptOut('jane.doe@example.com', { ...options, form: 'nows-sha512-hex' })
    const plus = anOptOut('jane.doe+promo@example.com', options)
    expect(only([plus, sha512]).body).toMatchObject({
      json: {
        elements: [
          { userIds: [{ idType: 'SHA256_EMAIL', idValue: 'c3374bcfe3572e09f37602e0e179782352c5e117a4a3767824abbaa21bbdef8b' }] },
          {
            userIds: [
              {
                idType: 'SHA512_EMAIL',
                idValue:
                  '358c75d37759d9df9ed01d23ef5c11ddc7e69b5ee818e60c868cd271de55b54ce641d3028f46a5d5def6c5a938d251efb80ec33a307c321837a055734df1064c',
              },
            ],
          },
        ],
      },
    })
  })

  it('tells every segment of the account', () => {
    expect(requests([ada], parseSettings({ ...given, segments: ['1', '2'] })).map(({ path }) => path)).toEqual([
      '/rest/dmpSegments/1/users',
      '/rest/dmpSegments/2/users',
    ])
  })

  it('takes out whoever refused one of the purposes, and whoever is to be forgotten', () => {
    const half = anOptIn('ada@example.org', {
      ...options,
      wanted: { 'social-audiences': 'granted', 'interest-based-advertising': 'denied' },
    })
    for (const task of [half, anErasure('ada@example.org', options)])
      expect(only([task]).body).toMatchObject({ json: { elements: [{ action: 'REMOVE' }] } })
  })

  it('adds nobody for a default, and never sends an address that is not hashed', () => {
    const byDefault = anOptIn('ada@example.org', { ...options, evidence: {} })
    const raw = anOptOut('bob@example.org', { ...options, form: 'raw' })
    expect(linkedinAds.plan([byDefault, raw], settings, batch)).toEqual([
      { via: 'nothing', covers: [byDefault.deliveryId], outcome: { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' } },
      { via: 'nothing', covers: [raw.deliveryId], outcome: { kind: 'notApplicable', reason: 'not-applicable.no-identifier' } },
    ])
  })

  it('sends at most as many elements as the settings say, and loses none', () => {
    const many = Array.from({ length: 7 }, (_, index) =>
      anOptOut(`p${index}@example.org`, {
        ...options,
        identifiers: [...emailIdentifiers(`p${index}@example.org`, 'nows-sha256-hex'), gaid],
      }),
    )
    const sent = requests(many, parseSettings({ ...given, maxElements: 5 }))
    expect(sent.map(({ note }) => note)).toEqual([{ elements: [0, 0, 1, 1, 2] }, { elements: [0, 1, 1, 2, 2] }, { elements: [0, 0, 1, 1] }])
    expect(sent.map(({ covers }) => covers.length)).toEqual([3, 3, 2])
  })

  it('sends 5,000 opt-outs in one request', () => {
    expect(requests(Array.from({ length: 5_000 }, (_, index) => anOptOut(`p${index}@example.org`, options)))).toHaveLength(1)
  })
})

describe('an answered batch', () => {
  it('is judged element by element, in the order of the request, never by its outer status', () => {
    expect(read(only([ada, bob, dee]), elements(201, 400, 201))).toEqual({
      [ada.deliveryId]: accepted,
      [bob.deliveryId]: { kind: 'rejected', reason: 'item.invalid' },
      [dee.deliveryId]: accepted,
    })
  })

  it('of which one identifier was refused is no success of that person, and hides nobody else', () => {
    expect(read(only([jane, ada]), elements(201, 422, 201))).toEqual({
      [jane.deliveryId]: { kind: 'rejected', reason: 'item.invalid' },
      [ada.deliveryId]: accepted,
    })
  })

  it('of which one identifier may still be taken is repeated, although another was refused', () => {
    const conflict = { kind: 'deferred', reason: 'unavailable.locked' }
    expect(read(only([jane]), elements(400, 409))).toEqual({ [jane.deliveryId]: conflict })
    expect(read(only([jane]), elements(423, 400))).toEqual({ [jane.deliveryId]: conflict })
  })

  it.each([
    ['fewer elements', elements(201)],
    ['more elements', elements(201, 201, 201)],
    ['no elements', answer(200, { elements: [] })],
  ])('with %s than were sent says nothing about anybody: all of it is asserted again', (_, of) => {
    const unknown = { kind: 'deferred', reason: 'unavailable.answer-incomplete' }
    expect(read(only([ada, bob]), of)).toEqual({ [ada.deliveryId]: unknown, [bob.deliveryId]: unknown })
  })

  it('that cannot be read says nothing either', () => {
    const unknown = { kind: 'deferred', reason: 'unavailable.unreadable-answer' }
    for (const of of [answer(200), answer(200, '<html>'), answer(200, { status: 201 })])
      expect(read(only([ada]), of)).toEqual({ [ada.deliveryId]: unknown })
    expect(read(only([ada, bob]), elements(201, 'fine'))).toEqual({ [ada.deliveryId]: accepted, [bob.deliveryId]: unknown })
  })

  it('is named by the vendor’s ids, as a receipt and for the log', () => {
    const headers = { 'x-li-uuid': 'AAYJ+Z/x==', 'x-li-fabric': 'prod-lor1', 'x-li-request-id': 'r1' }
    const interpretation = linkedinAds.interpret(only([ada]), answer(200, { elements: [{ status: 201 }] }, headers), settings)
    expect(interpretation).toEqual({
      trace: 'AAYJ_Z_x__:prod-lor1:r1',
      outcomes: [{ deliveryId: ada.deliveryId, outcome: { ...accepted, receipt: 'AAYJ_Z_x__:prod-lor1:r1' } }],
    })
  })
})

describe('a status', () => {
  it.each([
    [400, 'batch.refused', { kind: 'rejected', reason: 'item.invalid' }],
    [422, 'batch.refused', { kind: 'rejected', reason: 'item.invalid' }],
    [401, 'auth.token-refused', undefined],
    [403, 'auth.forbidden', undefined],
    [404, 'configuration.segment-missing', undefined],
    [405, 'configuration.request-refused', undefined],
    [411, 'configuration.request-refused', undefined],
    [415, 'configuration.request-refused', undefined],
    [408, 'unavailable.timeout', undefined],
    [409, 'unavailable.locked', undefined],
    [423, 'unavailable.locked', undefined],
    [413, 'batch.too-long', undefined],
    [426, 'configuration.version-ended', undefined],
    [429, 'unavailable.rate-limited', undefined],
    [500, 'unavailable.server-error', undefined],
    [502, 'unavailable.server-error', undefined],
    [503, 'unavailable.server-error', undefined],
    [504, 'unavailable.server-error', undefined],
    [302, 'configuration.unexpected-answer', undefined],
  ])('%i means the same for a request and for an element, but that an element is somebody’s', (status, reason, ofElement) => {
    const outcome = { kind: 'deferred', reason }
    expect(read(only([ada, bob]), answer(status, { status, message: 'm' }))).toEqual({
      [ada.deliveryId]: outcome,
      [bob.deliveryId]: outcome,
    })
    expect(read(only([ada, bob]), elements(201, status))).toEqual({ [ada.deliveryId]: accepted, [bob.deliveryId]: ofElement ?? outcome })
  })

  it('429 waits as long as the transport reckons', () => {
    expect(read(only([ada]), answer(429, '', { 'retry-after': '120' }))).toEqual({
      [ada.deliveryId]: { kind: 'deferred', reason: 'unavailable.rate-limited', retryAfterSeconds: 120 },
    })
  })
})

describe('the settings', () => {
  it.each([
    ['apiVersion', { apiVersion: '2026-07' }],
    ['apiVersion', { apiVersion: 202607 }],
    ['segments', { segments: [] }],
    ['segments.0', { segments: ['urn:li:dmpSegment:1'] }],
    ['credentials.refreshToken', { credentials: { ...given.credentials, refreshToken: 'AQ1234' } }],
    ['requestsPerMinute', { requestsPerMinute: 6_000 }],
  ])('name %s when it is wrong', (field, more) => {
    expect(() => parseSettings({ ...given, ...more })).toThrow(expect.objectContaining({ field }))
  })
})
