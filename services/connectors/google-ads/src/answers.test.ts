import type { Answer, Interpretation, PlannedRequest } from '@heed/connector-kit'
import { describe, expect, it } from 'vitest'
import { googleAds } from './connector.ts'
import {
  answer,
  bob,
  bodyOf,
  cy,
  emails,
  failure,
  http,
  jane,
  job,
  optOut,
  outcomes,
  plan,
  read,
  refusal,
  settings,
  statusOf,
  violation,
} from './examples.fixture.ts'

describe('a request that was taken', () => {
  it('is followed by its id, first after half an hour', () => {
    const request = http(plan([jane, bob])[0])
    const { job: begun, outcomes: said } = read(request, answer(200, { requestId: job.id }))
    expect(begun).toEqual(job)
    expect(said.map(({ outcome }) => outcome)).toEqual(Array(2).fill({ kind: 'accepted', final: false, receipt: job.id }))
  })

  it('counts the warnings beside the id', () => {
    expect(read(http(plan([jane])[0]), answer(200, { requestId: 'r1', fieldWarnings: [{}, {}] })).trace).toBe('r1:warnings-2')
  })

  it('is not taken where the answer does not say so', () => {
    expect(outcomes(read(http(plan([jane])[0]), answer(200, '<html>')))).toEqual([
      { kind: 'deferred', reason: 'unavailable.unreadable-answer' },
    ])
  })
})

describe('a request that was refused for a member', () => {
  const request = http(plan([jane, bob, cy])[0])

  it('rejects that member, and sends the others again at once', () => {
    const {
      outcomes: said,
      next,
      trace,
    } = read(request, refusal(violation('audience_members[1].user_data.user_identifiers[0]', 'INVALID_HEX_ENCODING')))
    expect(said).toEqual([{ deliveryId: bob.deliveryId, outcome: { kind: 'rejected', reason: 'item.invalid-hex-encoding' } }])
    expect(next?.covers).toEqual([jane.deliveryId, cy.deliveryId])
    expect(bodyOf(next).audienceMembers).toEqual([bodyOf(request).audienceMembers[0], bodyOf(request).audienceMembers[2]])
    expect(trace).toBe('t-abc')
  })

  it('finds the next one by its place in what was left', () => {
    const { next } = read(request, refusal(violation('audience_members[0]', 'NO_IDENTIFIERS_PROVIDED')))
    if (next === undefined) throw new Error('a second request')
    const second = read(next, refusal(violation('audienceMembers[1].userData', 'SOMETHING_NEW')))
    expect(second.outcomes).toEqual([{ deliveryId: cy.deliveryId, outcome: { kind: 'rejected', reason: 'item.refused' } }])
    expect(second.next?.covers).toEqual([bob.deliveryId])
  })

  it('still removes the person by her sound members', () => {
    const many = optOut('ada@example.org', {
      identifiers: emails(...Array.from({ length: 11 }, (_, index) => `person-${index}@example.com`)),
    })
    const { next } = read(http(plan([many, bob])[0]), refusal(violation('audience_members[1]', 'INVALID_SHA256_FORMAT')))
    expect(next?.covers).toEqual([bob.deliveryId])
    expect(bodyOf(next).audienceMembers).toHaveLength(2)
  })

  it('ends where nobody is left', () => {
    const { next, outcomes: said } = read(http(plan([bob])[0]), refusal(violation('audience_members[0]', 'INVALID_SHA256_FORMAT')))
    expect([next, said.length]).toEqual([undefined, 1])
  })

  it('leaves the rest to be halved where member after member is refused', () => {
    let current: PlannedRequest | undefined = http(plan(Array.from({ length: 20 }, (_, index) => optOut(`person-${index}@example.com`)))[0])
    let last: Interpretation = { outcomes: [] }
    let requests = 0
    while (current !== undefined) {
      last = read(current, refusal(violation('audience_members[0]', 'INVALID_SHA256_FORMAT')))
      current = last.next
      requests += 1
    }
    expect(requests).toBe(11)
    expect(outcomes(last)).toEqual([
      { kind: 'rejected', reason: 'item.invalid-sha256-format' },
      ...Array(9).fill({ kind: 'deferred', reason: 'batch.refused-again' }),
    ])
  })

  it.each([
    ['nobody is named', [], 'batch.refused'],
    ['a place does not exist', [violation('audience_members[9]', 'INVALID_SHA256_FORMAT')], 'batch.refused'],
    ['there are too many', [violation('audience_members', 'TOO_MANY_AUDIENCE_MEMBERS')], 'batch.too-many-audience-members'],
    ['the reason is new', [violation('', 'SOMETHING_NEW')], 'batch.refused'],
  ])('is halved where %s', (_, violations, reason) => {
    expect(outcomes(read(request, refusal(...violations)))).toEqual(Array(3).fill({ kind: 'deferred', reason }))
  })

  it.each([
    ['destinations[0]', 'INVALID_DESTINATION', 'configuration.invalid-destination'],
    ['destinations[0].product_destination_id', 'INVALID_USER_LIST_ID', 'configuration.invalid-user-list-id'],
    ['destinations[0].product_destination_id', 'INVALID_USER_LIST_TYPE', 'configuration.invalid-user-list-type'],
    ['destinations', 'TOO_MANY_DESTINATIONS', 'configuration.too-many-destinations'],
    ['destinations[1].reference', 'DUPLICATE_DESTINATION_REFERENCE', 'configuration.duplicate-destination-reference'],
    ['', 'TERMS_AND_CONDITIONS_NOT_SIGNED', 'configuration.terms-and-conditions-not-signed'],
    ['audience_members', 'MULTIPLE_DATA_TYPES_NOT_ALLOWED', 'configuration.multiple-data-types-not-allowed'],
    ['encoding', 'REQUIRED_FIELD_MISSING', 'configuration.request-refused'],
    ['terms_of_service', 'REQUIRED_FIELD_MISSING', 'configuration.request-refused'],
  ])('rejects nobody where the set-up is wrong: %s %s', (field, reason, outcome) => {
    const interpretation = read(request, refusal(violation('audience_members[0]', 'INVALID_SHA256_FORMAT'), violation(field, reason)))
    expect(outcomes(interpretation)).toEqual(Array(3).fill({ kind: 'deferred', reason: outcome }))
    expect(interpretation.next).toBeUndefined()
  })
})

const failures: [string, Answer, object][] = [
  ['401', failure(401, 'UNAUTHENTICATED'), { reason: 'auth.unauthenticated' }],
  ['403', failure(403, 'PERMISSION_DENIED'), { reason: 'auth.permission-denied' }],
  ['403 of a proxy', answer(403, '<html>'), { reason: 'auth.forbidden' }],
  [
    '429 of a minute',
    failure(429, 'RESOURCE_EXHAUSTED', { quota_limit: 'IngestionMutateRequestsPerMinutePerProject' }),
    { reason: 'unavailable.rate-limited' },
  ],
  [
    '429 of a day',
    failure(429, 'RESOURCE_EXHAUSTED', { quota_limit: 'IngestionMutateRequestsPerDayPerProject' }),
    { reason: 'unavailable.daily-quota-spent', retryAfterSeconds: 7_200 },
  ],
  [
    '429 with a delay',
    failure(429, 'RESOURCE_EXHAUSTED', {}, { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7.5s' }),
    { reason: 'unavailable.rate-limited', retryAfterSeconds: 7.5 },
  ],
  ['500', failure(500, 'INTERNAL'), { reason: 'unavailable.server-error' }],
  ['503', failure(503, 'UNAVAILABLE'), { reason: 'unavailable.server-error' }],
  ['504', failure(504, 'DEADLINE_EXCEEDED'), { reason: 'unavailable.server-error' }],
  ['a page in place of an error', answer(400, '<html>'), { reason: 'configuration.unexpected-answer' }],
]

describe('an answer that speaks of no member', () => {
  it.each([...failures, ['404', failure(404, 'NOT_FOUND'), { reason: 'configuration.not-found' }] as const])(
    'defers all: %s',
    (_, from, why) => {
      expect(outcomes(read(http(plan([jane])[0]), from))).toEqual([{ kind: 'deferred', ...why }])
    },
  )
})

describe('the status of a request', () => {
  const covers = [jane.deliveryId, bob.deliveryId]
  const ask = (destinations = 1) => {
    const request = googleAds.follow?.({ ...job, note: { destinations } }, covers, settings)
    if (request === undefined) throw new Error('a question')
    return request
  }

  it('is asked for by its id', () => {
    expect(ask()).toMatchObject({ method: 'GET', path: '/v1/requestStatus:retrieve', query: { requestId: job.id }, covers })
  })

  it.each([
    ['PROCESSING', [['PROCESSING']]],
    ['unknown', [['REQUEST_STATUS_UNKNOWN']]],
    ['a word of next year', [['SETTLING']]],
    ['open at one destination', [['SUCCESS'], ['PROCESSING']]],
    ['failed at one, open at another', [['FAILED', 'X'], ['PROCESSING']]],
  ] as [string, [string, string?][]][])('is asked for again: %s', (_, states) => {
    expect(read(ask(states.length), statusOf(...states))).toEqual({ outcomes: [], job: { ...job, note: { destinations: states.length } } })
  })

  it('is not final while a destination is missing from it', () => {
    expect(read(ask(2), statusOf(['SUCCESS'])).job).toBeDefined()
  })

  it.each([
    ['SUCCESS everywhere', [['SUCCESS'], ['SUCCESS']], { kind: 'confirmed' }],
    [
      'a fault of the vendor',
      [['SUCCESS'], ['PARTIAL_SUCCESS', 'PROCESSING_ERROR_REASON_INTERNAL_ERROR']],
      { kind: 'deferred', reason: 'unavailable.internal-error' },
    ],
    [
      'some members failed',
      [['PARTIAL_SUCCESS', 'PROCESSING_ERROR_REASON_INVALID_FORMAT']],
      { kind: 'deferred', reason: 'batch.partly-processed' },
    ],
    ['some failed for a reason that is not told', [['PARTIAL_SUCCESS']], { kind: 'deferred', reason: 'batch.partly-processed' }],
    ['consent', [['PARTIAL_SUCCESS', 'PROCESSING_ERROR_REASON_NO_CONSENT']], { kind: 'deferred', reason: 'batch.consent-not-accepted' }],
    ['FAILED', [['FAILED', 'PROCESSING_ERROR_REASON_INVALID_FORMAT']], { kind: 'deferred', reason: 'batch.not-processed' }],
    ['FAILURE', [['FAILURE', 'PROCESSING_ERROR_REASON_INTERNAL_ERROR']], { kind: 'deferred', reason: 'unavailable.internal-error' }],
    ['FAILED for no reason', [['FAILED']], { kind: 'deferred', reason: 'unavailable.processing-failed', retryAfterSeconds: 3_600 }],
  ] as [string, [string, string?][], object][])('is final: %s', (_, states, outcome) => {
    const interpretation = read(ask(states.length), statusOf(...states))
    expect(outcomes(interpretation)).toEqual([outcome, outcome])
    expect(interpretation.job).toBeUndefined()
  })

  it.each(failures)('survives a bad moment of the vendor, which its account is told of: %s', (_, from, trouble) => {
    expect(read(ask(), from)).toEqual({ outcomes: [], job, trouble })
  })

  it('survives an answer that cannot be read', () => {
    expect(read(ask(), answer(200, '{"requestStatusPerDestination":[]}'))).toMatchObject({
      job,
      trouble: { reason: 'unavailable.unreadable-answer' },
    })
  })

  it.each([
    ['400 INVALID_REQUEST_ID', refusal(violation('request_id', 'INVALID_REQUEST_ID'))],
    ['404', failure(404, 'NOT_FOUND')],
  ])('that is gone has everything sent again: %s', (_, from) => {
    expect(outcomes(read(ask(), from))).toEqual(Array(2).fill({ kind: 'deferred', reason: 'unavailable.status-gone' }))
  })
})
