import type { Answer, HttpRequest, PlannedRequest, ResolvedIdentifier, Task } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import { anErasure, anOptIn, anOptOut, emailIdentifiers, type TaskOptions } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { metaAds } from './connector.ts'
import { parseSettings } from './settings.ts'

const given = { credential: 'env:META_ADS_TOKEN', adAccount: '1020304050', audiences: ['23851234567890', '23851234567891'] }
const settings = parseSettings(given)
const listed = parseSettings({ ...given, removeFrom: 'audiences' })
const batch = { sequence: 0, openedAt: Date.UTC(2026, 2, 1), extent: 'delta' } as const

const purposes = { recipientId: 'meta', purposes: ['social-audiences', 'interest-based-advertising'] }
const emails = (...addresses: string[]) => addresses.flatMap((address) => emailIdentifiers(address, 'plain-sha256-hex'))
const userId: ResolvedIdentifier = { kind: 'user-id', form: 'raw', value: 'crm-000481' }
const phone: ResolvedIdentifier = {
  kind: 'phone',
  form: 'digits-sha256-hex',
  value: '413ba75461ab5f99d36820e561ea97e2bd80f9cb586f7ecea6cf4c496518950a',
}
const idfa: ResolvedIdentifier = { kind: 'idfa', form: 'device-lower-case', value: 'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93' }
const gaid: ResolvedIdentifier = { kind: 'gaid', form: 'device-lower-case', value: '5e1f0c8a-02c4-4e33-9b0f-8f2d6a7b1c55' }
const optOut = (name: string, options: TaskOptions = {}) => anOptOut(name, { ...purposes, identifiers: emails(name), ...options })
const optIn = (name: string, options: TaskOptions = {}) => anOptIn(name, { ...purposes, identifiers: emails(name), ...options })

const jane = optOut('jane.doe@example.com', { identifiers: [userId, ...emails('jane.doe@example.com'), phone, idfa] })
const bob = optOut('bob@example.org')

const plan = (tasks: readonly Task[], using = settings, context: Parameters<typeof metaAds.plan>[2] = batch) =>
  metaAds.plan(tasks, using, context)
const http = (planned: ReturnType<typeof plan>[number] | undefined): HttpRequest => {
  if (planned?.via !== 'http') throw new Error('an HTTP request')
  return planned
}
interface Body {
  method?: string
  payload: { schema: string[]; data: string[][] }
  session?: { session_id: number; batch_seq: number; last_batch_flag: boolean; estimated_num_total: number }
}
const bodyOf = (planned: ReturnType<typeof plan>[number] | undefined): Body => (http(planned).body as { json: Body }).json
const answer = (status: number, body: unknown = '', headers: Record<string, string> = {}): Answer => ({
  via: 'http',
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})
const request = http(plan([jane, bob])[0])
const read = (from: Answer, about: PlannedRequest = request) => metaAds.interpret(about, from, settings)
const outcome = (from: Answer, about: PlannedRequest = request) => {
  const { outcomes } = read(from, about)
  expect(outcomes.map(({ deliveryId }) => deliveryId)).toEqual(about.covers)
  return outcomes[0]?.outcome
}
const error = (code: number, more: object = {}) => ({
  error: { message: 'm', type: 'OAuthException', code, fbtrace_id: 'AbC_1-2', ...more },
})
const counted = (received: number, invalid: number, samples: unknown = {}) =>
  answer(200, {
    audience_id: '23851234567890',
    session_id: '40112233',
    num_received: received,
    num_invalid_entries: invalid,
    invalid_entry_samples: samples,
  })
const usage = (percent: number, regainMinutes = 0) => ({
  'x-business-use-case-usage': JSON.stringify({
    '1020304050': [
      { type: 'custom_audience', call_count: percent, total_cputime: 3, total_time: 5, estimated_time_to_regain_access: regainMinutes },
    ],
  }),
})

testConnector(metaAds, {
  settings,
  tasks: [
    jane,
    bob,
    optIn('cy@example.org'),
    anErasure('dee@example.org', { ...purposes, identifiers: [userId] }),
    optIn('ema@example.org', { evidence: {} }),
  ],
  answers: [counted(2, 0), answer(200, error(190)), answer(200, { success: true }, usage(80))],
})

describe('the plan', () => {
  it('takes a person out of every audience of the ad account by one call', () => {
    expect(plan([jane])).toEqual([
      {
        via: 'http',
        intent: 'assert',
        name: 'users.remove',
        method: 'DELETE',
        path: '/act_1020304050/usersofanyaudience',
        covers: [jane.deliveryId],
        note: { rows: 1 },
        body: {
          json: {
            payload: {
              schema: ['EXTERN_ID', 'EMAIL', 'PHONE', 'MADID'],
              data: [
                [
                  'crm-000481',
                  '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d',
                  '413ba75461ab5f99d36820e561ea97e2bd80f9cb586f7ecea6cf4c496518950a',
                  'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93',
                ],
              ],
            },
          },
        },
      },
    ])
  })

  it('keeps dots and suffix of a Gmail address, other than Google', () => {
    expect(bodyOf(plan([optOut('jane.doe+promo@gmail.com')])[0]).payload.data).toEqual([
      ['', '5f0d1df1fc49e30424381b57b1d4c73e067772a4267dde043a19b026935602c8', '', ''],
    ])
  })

  it('takes her out of the listed audiences only, where the settings say so', () => {
    expect(plan([bob], listed)).toMatchObject([
      { name: 'audience.remove', method: 'DELETE', path: '/23851234567890/users' },
      { name: 'audience.remove', method: 'DELETE', path: '/23851234567891/users' },
    ])
  })

  it('posts a DELETE where something on the way drops its body', () => {
    const [planned] = plan([bob], parseSettings({ ...given, deleteBy: 'post' }))
    expect(planned).toMatchObject({ method: 'POST', path: '/act_1020304050/usersofanyaudience', body: { json: { method: 'DELETE' } } })
    expect(bodyOf(plan([bob])[0]).method).toBeUndefined()
  })

  it('adds a person to the listed audiences, with evidence only', () => {
    expect(plan([optIn('ada@example.org')])).toMatchObject([
      { name: 'audience.add', method: 'POST', path: '/23851234567890/users' },
      { name: 'audience.add', method: 'POST', path: '/23851234567891/users' },
    ])
    expect(plan([optIn('ada@example.org', { evidence: {} })])).toMatchObject([
      { via: 'nothing', outcome: { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' } },
    ])
    expect(plan([optIn('ada@example.org')], parseSettings({ ...given, audiences: [] }))).toMatchObject([
      { via: 'nothing', outcome: { kind: 'notApplicable', reason: 'not-applicable.no-audience-to-join' } },
    ])
  })

  it('takes a person out for one of its purposes refused, removals first', () => {
    const half = optOut('ada@example.org', { wanted: { 'social-audiences': 'granted', 'interest-based-advertising': 'denied' } })
    expect(plan([optIn('cy@example.org'), half]).map((planned) => http(planned).name)).toEqual([
      'users.remove',
      'audience.add',
      'audience.add',
    ])
  })

  it('makes a row of each further address, phone or device', () => {
    const task = optOut('jane@example.org', { identifiers: [userId, ...emails('jane@example.org', 'jane@example.com'), idfa, gaid] })
    const [one, two] = emails('jane@example.org', 'jane@example.com')
    expect(bodyOf(plan([task])[0]).payload.data).toEqual([
      ['crm-000481', one?.value, '', idfa.value],
      ['', two?.value, '', gaid.value],
    ])
  })

  it('sets aside what Meta could not read, so that no row is empty', () => {
    const odd = optOut('ada@example.org', {
      identifiers: [
        { kind: 'email', form: 'raw', value: 'ada@example.org' },
        { ...phone, value: '' },
      ],
    })
    const half = optOut('cy@example.org', { identifiers: [{ ...idfa, value: idfa.value.toUpperCase() }, ...emails('cy@example.org')] })
    const [nothing, planned] = plan([odd, half])
    expect(nothing).toMatchObject({
      via: 'nothing',
      covers: [odd.deliveryId],
      outcome: { kind: 'rejected', reason: 'item.no-usable-identifier' },
    })
    expect(bodyOf(planned).payload.data).toEqual([['', emails('cy@example.org')[0]?.value, '', '']])
  })
})

describe('a session', () => {
  const small = parseSettings({ ...given, rowsPerRequest: 2 })
  const twoAddresses = optOut('cy@example.org', { identifiers: emails('cy@example.org', 'cy@example.com') })

  it('ties the requests of one batch together, without cutting a person', () => {
    const planned = plan([bob, twoAddresses, jane], small)
    expect(planned.map(({ covers }) => covers)).toEqual([[bob.deliveryId], [twoAddresses.deliveryId], [jane.deliveryId]])
    const sessions = planned.map((one) => bodyOf(one).session)
    expect(sessions.map((session) => [session?.batch_seq, session?.last_batch_flag, session?.estimated_num_total])).toEqual([
      [1, false, 4],
      [2, false, 4],
      [3, true, 4],
    ])
    expect(new Set(sessions.map((session) => session?.session_id)).size).toBe(1)
  })

  it('cuts a person only where she alone is too much', () => {
    const many = optOut('cy@example.org', { identifiers: emails('cy@example.org', 'cy@example.com', 'cy+1@example.com') })
    expect(plan([many, bob], small).map((one) => bodyOf(one).payload.data.length)).toEqual([2, 2])
  })

  it('has a number that is the same for the same batch, and another for another or elsewhere', () => {
    const numberOf = (planned: ReturnType<typeof plan>) => bodyOf(planned[0]).session?.session_id
    const number = numberOf(plan([jane, bob, twoAddresses], small))
    expect(Number.isSafeInteger(number) && (number ?? 0) > 0).toBe(true)
    expect(numberOf(plan([jane, bob, twoAddresses], small))).toBe(number)
    expect(numberOf(plan([jane, bob, twoAddresses], small, { ...batch, openedAt: batch.openedAt + 1 }))).not.toBe(number)
    const inAudiences = parseSettings({ ...given, removeFrom: 'audiences', rowsPerRequest: 2 })
    const numbers = plan([jane, bob, twoAddresses], inAudiences).map((one) => bodyOf(one).session?.session_id)
    expect(new Set(numbers).size).toBe(2)
  })

  it('is not needed for one request, which holds 10,000 people', () => {
    const people = Array.from({ length: 10_000 }, (_, index) => optOut(`person-${index}@example.com`))
    const planned = plan(people)
    expect(planned).toHaveLength(1)
    expect(bodyOf(planned[0]).session).toBeUndefined()
  })
})

describe('an answer', () => {
  it.each([
    ['counted', counted(2, 0), { kind: 'accepted', final: true, receipt: 'session 40112233, received 2' }],
    ['some invalid', counted(2, 1, [['x']]), { kind: 'accepted', final: true, receipt: 'session 40112233, received 2, invalid about 1' }],
    ['all invalid', counted(2, 2), { kind: 'deferred', reason: 'batch.all-entries-invalid' }],
    ['any JSON', answer(200, {}), { kind: 'accepted', final: true }],
    ['success', answer(200, { success: true }), { kind: 'accepted', final: true }],
    ['no success', answer(200, { success: false }), { kind: 'deferred', reason: 'unavailable.not-done' }],
    ['a page', answer(200, '<html>'), { kind: 'deferred', reason: 'unavailable.unreadable-answer' }],
    ['a page, 400', answer(400, '<html>'), { kind: 'deferred', reason: 'unavailable.server-error' }],
    ['502', answer(502, '<html>'), { kind: 'deferred', reason: 'unavailable.server-error' }],
    ['500 with JSON', answer(500, {}), { kind: 'deferred', reason: 'unavailable.server-error' }],
    ['an error without a form', answer(200, { error: 'no' }), { kind: 'deferred', reason: 'configuration.unexpected-error' }],
  ])('without an error means: %s', (_, from, expected) => {
    expect(outcome(from)).toEqual(expected)
  })

  const rows: [what: string, code: number, more: object, reason: string, retryAfterSeconds?: number][] = [
    ['unknown', 1, {}, 'unavailable.temporary'],
    ['service', 2, {}, 'unavailable.temporary'],
    ['transient', 100, { is_transient: true }, 'unavailable.temporary'],
    ...[4, 17, 32, 341, 613, 80003].map((code): [string, number, object, string, number] => [
      'rate',
      code,
      {},
      'unavailable.rate-limited',
      300,
    ]),
    ['blocked', 368, {}, 'auth.temporarily-blocked', 14_400],
    ['session', 102, {}, 'auth.token-invalid'],
    ['no token', 104, {}, 'auth.token-invalid'],
    ['no proof', 100, { message: 'API calls from the server require an appsecret_proof argument' }, 'auth.proof-refused'],
    ...[458, 459, 460, 464, 467, 492].map((subcode): [string, number, object, string] => [
      'token',
      190,
      { error_subcode: subcode },
      'auth.token-invalid',
    ]),
    ['token expired', 190, { error_subcode: 463 }, 'auth.token-expired'],
    ...[3, 10, 200, 294, 299].map((code): [string, number, object, string] => ['permission', code, {}, 'auth.permission-denied']),
    ['terms', 200, { error_subcode: 1870090 }, 'configuration.terms-not-accepted'],
    ['parameter', 100, {}, 'batch.bad-parameter'],
    ['object missing', 100, { error_subcode: 33 }, 'configuration.object-missing'],
    ['flagged', 100, { error_subcode: 1713230 }, 'configuration.audience-flagged'],
    ['too many', 105, {}, 'batch.too-many-parameters'],
    ['update', 2650, {}, 'configuration.audience-not-updated'],
    ['replace running', 2650, { error_subcode: 1870145 }, 'unavailable.audience-busy'],
    ['replace timed out', 2650, { error_subcode: 1870158 }, 'unavailable.audience-busy'],
    ['terms of audiences', 2655, {}, 'configuration.terms-not-accepted'],
    ['too small', 100, { error_user_title: 'Audience Too Small' }, 'configuration.audience-too-small'],
    ['new', 4711, {}, 'configuration.unexpected-error'],
  ]
  it.each(rows)('with an error means, whatever its status: %s %i %j', (_, code, more, reason, retryAfterSeconds) => {
    const expected = { kind: 'deferred', reason, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }
    for (const status of [200, 400]) expect(outcome(answer(status, error(code, more)))).toEqual(expected)
  })

  it('of a server in trouble is temporary, whatever its code', () => {
    expect(outcome(answer(503, error(100)))).toEqual({ kind: 'deferred', reason: 'unavailable.server-error' })
  })

  it('keeps the name by which support finds it, and nothing of the samples', () => {
    expect(read(answer(400, error(100))).trace).toBe('AbC_1-2')
    expect(JSON.stringify(read(counted(2, 1, { samples: ['ada@example.org'] })))).not.toContain('ada@')
  })
})

describe('the pace', () => {
  it.each([
    [50, 0, undefined],
    [75, 0, 5],
    [85, 0, 33],
    [94, 0, 57],
    [95, 0, 300],
    [100, 12, 720],
    [10, 3, 180],
  ])('at %i %% and %i minutes to wait', (percent, minutes, seconds) => {
    expect(read(answer(200, {}, usage(percent, minutes))).slowDownSeconds).toBe(seconds)
  })

  it.each(['', 'x', '[]', '{"a":1}', '{"a":[{}]}'])('is not slowed by a header that says nothing: %s', (header) => {
    expect(read(answer(200, {}, { 'x-business-use-case-usage': header })).slowDownSeconds).toBeUndefined()
  })

  it('waits after a refusal as long as the header says', () => {
    expect(outcome(answer(400, error(80003), usage(100, 12)))).toEqual({
      kind: 'deferred',
      reason: 'unavailable.rate-limited',
      retryAfterSeconds: 720,
    })
  })
})

describe('settings', () => {
  it.each([
    [{ ...given, credential: 'EAAB-token' }, 'credential'],
    [{ ...given, credentials: { appSecret: 'secret' } }, 'credentials.appSecret'],
    [{ ...given, adAccount: 'act_1020304050' }, 'adAccount'],
    [{ ...given, audiences: [], removeFrom: 'audiences' }, 'audiences'],
    [{ ...given, apiVersion: '25' }, 'apiVersion'],
    [{ ...given, rowsPerRequest: 10_001 }, 'rowsPerRequest'],
    [{ ...given, baseUrl: 'http://graph.example.com' }, 'baseUrl'],
  ])('that are wrong are refused by the name of the field', (wrong, field) => {
    expect(() => parseSettings(wrong)).toThrow(field)
  })
})
