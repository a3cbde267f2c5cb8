import type { Answer, HttpRequest, Interpretation, PlannedRequest, ResolvedIdentifier, Task } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import { anErasure, anOptIn, anOptOut, emailIdentifiers, type TaskOptions } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { googleAds } from './connector.ts'
import { parseSettings } from './settings.ts'

const account = { accountType: 'GOOGLE_ADS', accountId: '4085550199' }
const lists = [
  { id: '7712345001', holds: 'contact' },
  { id: '7712345002', holds: 'mobile' },
  { id: '7712345003', holds: 'user-id' },
]
const given = { credential: 'env:GOOGLE_DATA_MANAGER_CREDENTIAL', operatingAccount: account, lists }
const settings = parseSettings(given)
const contactOnly = parseSettings({ ...given, lists: lists.slice(0, 1) })
const batch = { sequence: 0, openedAt: 0, extent: 'delta' } as const

const ads = { recipientId: 'google-ads', purposes: ['interest-based-advertising'] }
const emails = (...addresses: string[]) => addresses.flatMap((address) => emailIdentifiers(address, 'google-sha256-hex'))
const phone: ResolvedIdentifier = {
  kind: 'phone',
  form: 'e164-sha256-hex',
  value: '36a2cef4ff9bf7a1abd2a93359136b870393be4106e6c5d19b72ff564f9deca4',
}
const idfa: ResolvedIdentifier = { kind: 'idfa', form: 'raw', value: 'C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93' }
const gaid: ResolvedIdentifier = { kind: 'gaid', form: 'raw', value: '5e1f0c8a-02c4-4e33-9b0f-8f2d6a7b1c55' }
const userId: ResolvedIdentifier = { kind: 'user-id', form: 'raw', value: 'crm-000481' }
const optOut = (address: string, options: TaskOptions = {}) => anOptOut(address, { ...ads, identifiers: emails(address), ...options })
const optIn = (address: string, options: TaskOptions = {}) => anOptIn(address, { ...ads, identifiers: emails(address), ...options })

const jane = optOut('jane.doe@example.com', { identifiers: [...emails('jane.doe@example.com'), phone] })
const bob = optOut('bob@example.org')
const cy = optOut('cy@example.org')

const plan = (tasks: readonly Task[], using = settings) => googleAds.plan(tasks, using, batch)
const http = (planned: ReturnType<typeof plan>[number] | undefined): HttpRequest => {
  if (planned?.via !== 'http') throw new Error('an HTTP request')
  return planned
}
interface Body {
  audienceMembers: { userData?: { userIdentifiers: Record<string, string>[] } }[]
  destinations: unknown[]
}
const bodyOf = (request: PlannedRequest | undefined): Body => {
  if (request?.via !== 'http' || request.body === undefined || !('json' in request.body)) throw new Error('a JSON body')
  return request.body.json as Body
}
const answer = (status: number, body: unknown = ''): Answer => ({
  via: 'http',
  status,
  headers: {},
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})
const read = (request: PlannedRequest, from: Answer): Interpretation => googleAds.interpret(request, from, settings)
const outcomes = (interpretation: Interpretation) => interpretation.outcomes.map(({ outcome }) => outcome)

const violation = (field: string, reason: string) => ({ field, description: 'd', reason })
const refusal = (...violations: ReturnType<typeof violation>[]) =>
  answer(400, {
    error: {
      code: 400,
      status: 'INVALID_ARGUMENT',
      message: 'There was a problem with the request.',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'INVALID_ARGUMENT',
          domain: 'datamanager.googleapis.com',
          metadata: { requestId: 't-abc' },
        },
        { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: violations },
      ],
    },
  })
const failure = (status: number, name: string, metadata: Record<string, string> = {}, ...details: unknown[]) =>
  answer(status, {
    error: {
      code: status,
      status: name,
      details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: name, metadata }, ...details],
    },
  })
const statusOf = (...states: [string, string?][]) =>
  answer(200, {
    requestStatusPerDestination: states.map(([requestStatus, reason]) => ({
      destination: {},
      requestStatus,
      ...(reason === undefined ? {} : { errorInfo: { errorCounts: [{ recordCount: '1', reason }] } }),
      audienceMembersRemovalStatus: { userDataRemovalStatus: { recordCount: '1', userIdentifierCount: '2' } },
    })),
  })
const job = { id: '5b0c7a52-3f1e-4d7a-9a66-0e4f1f2c9d10', pollAfterSeconds: 1_800, note: { destinations: 1 } }

testConnector(googleAds, {
  settings,
  tasks: [
    jane,
    bob,
    optIn('cy@example.org'),
    anErasure('dee@example.org', { ...ads, identifiers: [...emails('dee@example.org'), userId, idfa] }),
    optIn('ema@example.org', { evidence: {} }),
  ],
  answers: [
    answer(200, { requestId: job.id }),
    refusal(violation('audience_members[1].user_data', 'INVALID_HEX_ENCODING')),
    statusOf(['SUCCESS']),
  ],
  job,
})

describe('the plan', () => {
  it('removes all that is known of a person as one member', () => {
    expect(plan([jane])).toEqual([
      {
        via: 'http',
        intent: 'assert',
        name: 'members.remove',
        method: 'POST',
        path: '/v1/audienceMembers:remove',
        covers: [jane.deliveryId],
        note: { destinations: 1, refusals: 0 },
        body: {
          json: {
            destinations: [{ operatingAccount: account, productDestinationId: '7712345001' }],
            audienceMembers: [
              {
                userData: {
                  userIdentifiers: [
                    { emailAddress: '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d' },
                    { phoneNumber: '36a2cef4ff9bf7a1abd2a93359136b870393be4106e6c5d19b72ff564f9deca4' },
                  ],
                },
              },
            ],
            encoding: 'HEX',
            validateOnly: false,
          },
        },
      },
    ])
  })

  it('removes a Gmail address by the rule of today and by the one before it, and adds it by the one of today', () => {
    const address = ' Jane.Doe+promo@Gmail.com '
    const hashes = (task: Task) =>
      bodyOf(http(plan([task])[0])).audienceMembers[0]?.userData?.userIdentifiers.map((one) => one.emailAddress)
    const today = 'd6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69'
    expect(hashes(optOut(address))).toEqual([today, expect.not.stringContaining(today)])
    expect(hashes(optIn(address))).toEqual([today])
  })

  it('keeps each kind of member on its own list, without hashing what is not hashed', () => {
    const task = optOut('jane.doe@example.com', { identifiers: [...emails('jane.doe@example.com'), userId, idfa, gaid] })
    const planned = plan([task]).map(http)
    expect(planned.map(bodyOf)).toMatchObject([
      { destinations: [{ productDestinationId: '7712345001' }], encoding: 'HEX' },
      {
        destinations: [{ productDestinationId: '7712345002' }],
        audienceMembers: [{ mobileData: { mobileIds: [idfa.value, gaid.value] } }],
      },
      { destinations: [{ productDestinationId: '7712345003' }], audienceMembers: [{ userIdData: { userId: 'crm-000481' } }] },
    ])
    expect(planned.slice(1).map((request) => 'encoding' in bodyOf(request))).toEqual([false, false])
  })

  it('says that the person consents when it adds her, and never when it removes her', () => {
    expect(bodyOf(http(plan([optIn('ada@example.org')])[0]))).toMatchObject({
      consent: { adUserData: 'CONSENT_GRANTED', adPersonalization: 'CONSENT_GRANTED' },
      termsOfService: { customerMatchTermsOfServiceStatus: 'ACCEPTED' },
    })
    expect(Object.keys(bodyOf(http(plan([jane])[0])))).toEqual(['destinations', 'audienceMembers', 'encoding', 'validateOnly'])
  })

  it('adds nobody without evidence, and takes out whoever is to be forgotten', () => {
    expect(plan([optIn('ada@example.org', { evidence: {} })])).toMatchObject([
      { via: 'nothing', outcome: { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' } },
    ])
    expect(http(plan([anErasure('ada@example.org', { ...ads, identifiers: emails('ada@example.org') })])[0]).path).toBe(
      '/v1/audienceMembers:remove',
    )
  })

  it('tells removals and additions apart in one batch', () => {
    expect(plan([optIn('ada@example.org'), bob]).map((request) => http(request).name)).toEqual(['members.remove', 'members.ingest'])
  })

  it('makes a second member of an eleventh identifier', () => {
    const many = Array.from({ length: 11 }, (_, index) => `person-${index}@example.com`)
    const request = http(plan([optOut('ada@example.org', { identifiers: emails(...many) }), bob])[0])
    expect(bodyOf(request).audienceMembers.map(({ userData }) => userData?.userIdentifiers.length)).toEqual([10, 1, 1])
    expect(request.note).toMatchObject({ owners: [0, 0, 1] })
  })

  it('fills requests, and cuts them at 10,000 members and ten destinations', () => {
    const people = Array.from({ length: 10_000 }, (_, index) => optOut(`person-${index}@example.com`))
    expect(plan(people)).toHaveLength(1)
    const eleven = Array.from({ length: 11 }, (_, index) => ({ id: String(index + 1), holds: 'contact' }))
    const many = parseSettings({ ...given, lists: eleven, membersPerRequest: 2 })
    expect(plan([jane, bob, cy], many).map((request) => [bodyOf(http(request)).destinations.length, http(request).covers.length])).toEqual([
      [10, 2],
      [10, 1],
      [1, 2],
      [1, 1],
    ])
  })

  it('sends nothing that would have the whole request refused', () => {
    const odd = optOut('ada@example.org', { identifiers: [{ kind: 'email', form: 'raw', value: 'ada@example.org' }] })
    const zero = optOut('bob@example.org', { identifiers: [{ kind: 'idfa', form: 'raw', value: 'none' }, ...emails('bob@example.org')] })
    const [nothing, request] = plan([odd, zero])
    expect(nothing).toMatchObject({ via: 'nothing', covers: [odd.deliveryId], outcome: { reason: 'item.no-usable-identifier' } })
    expect(http(request).covers).toEqual([zero.deliveryId])
    expect(plan([odd, zero])).toHaveLength(2)
  })

  it('addresses an advertiser of Display & Video through its manager, on behalf of a project', () => {
    const display = { accountType: 'DISPLAY_VIDEO_ADVERTISER', accountId: '4085550277' }
    const using = parseSettings({ ...given, operatingAccount: display, loginAccount: account, project: 'heed-privacy' })
    const request = http(plan([jane], using)[0])
    expect(bodyOf(request).destinations).toEqual([{ loginAccount: account, operatingAccount: display, productDestinationId: '7712345001' }])
    expect(request.headers).toEqual({ 'x-goog-user-project': 'heed-privacy' })
  })

  it('acts only on identifiers that one of its lists can hold', () => {
    const descriptor = typeof googleAds.descriptor === 'function' ? googleAds.descriptor(contactOnly) : googleAds.descriptor
    expect(descriptor.identifiers).toEqual(['email', 'phone'])
  })
})

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

describe('settings', () => {
  it.each([
    [{ ...given, credential: '{"type":"service_account"}' }, 'credential'],
    [{ ...given, baseUrl: 'http://datamanager.example.com' }, 'baseUrl'],
    [{ ...given, tokenUrl: 'http://tokens.example.com/token' }, 'tokenUrl'],
    [{ ...given, operatingAccount: { accountType: 'GOOGLE_ADS', accountId: '408-555-0199' } }, 'operatingAccount.accountId'],
    [{ ...given, lists: [] }, 'lists'],
    [{ ...given, lists: [{ id: '1', holds: 'cookies' }] }, 'lists.0.holds'],
    [{ ...given, membersPerRequest: 10_001 }, 'membersPerRequest'],
    [{ ...given, secret: 'x' }, 'secret'],
  ])('that are wrong are refused by the name of the field', (wrong, field) => {
    expect(() => parseSettings(wrong)).toThrow(field)
  })

  it('count quotas by project, which several recipients may share', () => {
    const one = parseSettings({ ...given, project: 'heed-privacy' })
    expect(googleAds.account?.(one)).toBe('google-data-manager:heed-privacy')
    expect(googleAds.account?.(settings)).toBe('google-data-manager:env:GOOGLE_DATA_MANAGER_CREDENTIAL')
  })
})
