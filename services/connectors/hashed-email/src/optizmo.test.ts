import type { HttpAnswer, HttpRequest, PlannedRequest } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import { anErasure, anOptIn, anOptOut } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { hashedEmail } from './connector.ts'
import { withRetryAfter } from './optizmo.ts'
import { parseSettings } from './settings.ts'

const given = { transport: 'optizmo', credential: 'env:OPTIZMO_KEY', listId: '901fad4c46a1e723' }
const settings = parseSettings(given)
const options = { recipientId: 'select-third-parties', purposes: ['third-party-marketing'], form: 'legacy-md5-hex' } as const
const ada = anOptOut('USER@example.com', options)
const bob = anOptOut('bob@example.org', options)
const batch = { sequence: 0, openedAt: 0, extent: 'delta' } as const
const reference = 'a405108f-284c-4059-8817-459bfcbcdd9a'
const uploadUrl = 'https://storage.optizmo.example/1/import/2?AWSAccessKeyId=k&Expires=1639632005&Signature=s'

const answer = (status: number, json?: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
  via: 'http',
  status,
  headers,
  body: Buffer.from(json === undefined ? '' : JSON.stringify(json)),
})
const ready = answer(200, { uploadUrl, importReference: reference })

testConnector(hashedEmail, {
  settings,
  tasks: [ada, bob, anOptIn('cy@example.org', options), anErasure('dee@example.org', options)],
  answers: [ready],
  job: { id: reference, pollAfterSeconds: 60, note: { reference, lines: 4 } },
})

const plan = (tasks: Parameters<typeof hashedEmail.plan>[0], by = settings) => hashedEmail.plan(tasks, by, batch)
const prepare = plan([ada, bob])[0] as HttpRequest
const read = (request: PlannedRequest, given: HttpAnswer) => hashedEmail.interpret(request, given, settings)
const outcomesOf = (request: PlannedRequest, given: HttpAnswer) => read(request, given).outcomes.map(({ outcome }) => outcome)
const put = read(prepare, ready).next as HttpRequest

describe('an upload', () => {
  it('begins with asking for a place, by the length of the file and nothing of its lines', () => {
    expect(prepare).toMatchObject({
      method: 'POST',
      path: '/optout-list/prepare-upload',
      covers: [ada.deliveryId, bob.deliveryId],
      body: { json: { optoutListId: '901fad4c46a1e723', fileContentLength: 66 } },
    })
    expect(JSON.stringify([prepare.body, prepare.note])).not.toContain('b58996c504c5638798eb6b511e6f49af')
  })

  it('goes to the place that was named, without credentials and without a type', () => {
    expect(put).toMatchObject({
      method: 'PUT',
      path: uploadUrl,
      authenticated: false,
      covers: prepare.covers,
      note: { reference, lines: 2 },
    })
    expect(put.body).toEqual({ text: prepare.carried, type: '' })
  })

  it('has one line for each hash, sorted, each once', () => {
    const lines = (prepare.carried ?? '').split('\n')
    expect(lines.at(-1)).toBe('')
    expect(lines.slice(0, -1)).toEqual([...new Set(lines.slice(0, -1))].sort())
    expect(lines).toContain('b58996c504c5638798eb6b511e6f49af')
    expect(prepare.carried).toHaveLength(66)
  })

  it('may hold addresses, where the list wants them', () => {
    const plain = parseSettings({ ...given, lines: 'plain' })
    const raw = anOptOut('USER@example.com', { ...options, form: 'raw' })
    expect(plan([raw], plain)[0]).toMatchObject({ carried: 'USER@example.com\n' })
    expect(plan([ada], plain)).toMatchObject([{ via: 'nothing', outcome: { reason: 'not-applicable.no-identifier' } }])
  })

  it('takes nobody off a list: there is no word for it', () => {
    const cy = anOptIn('cy@example.org', options)
    expect(plan([cy])).toEqual([
      { via: 'nothing', covers: [cy.deliveryId], outcome: { kind: 'notApplicable', reason: 'not-applicable.no-opt-in' } },
    ])
  })

  it('suppresses whoever is to be forgotten', () => {
    expect(plan([anErasure('USER@example.com', options)])[0]).toMatchObject({ carried: 'b58996c504c5638798eb6b511e6f49af\n' })
  })

  it('that is there is a job by the partner’s reference', () => {
    expect(read(put, answer(200))).toEqual({ outcomes: [], job: { id: reference, pollAfterSeconds: 60, note: { reference, lines: 2 } } })
  })

  it.each([
    [403, 'unavailable.upload-refused'],
    [400, 'unavailable.upload-refused'],
    [503, 'unavailable.server-error'],
  ])('that is answered with %i begins anew: %s', (status, reason) => {
    expect(outcomesOf(put, answer(status))).toEqual(Array(2).fill({ kind: 'deferred', reason }))
  })
})

it.each([
  [401, 'auth.unauthenticated'],
  [403, 'auth.forbidden'],
  [404, 'configuration.list-not-found'],
  [400, 'configuration.request-refused'],
  [429, 'unavailable.rate-limited'],
  [500, 'unavailable.server-error'],
])('a place that is refused with %i rejects nobody: %s', (status, reason) => {
  expect(outcomesOf(prepare, answer(status))).toEqual(Array(2).fill({ kind: 'deferred', reason }))
})

describe('an import', () => {
  const follow = hashedEmail.follow?.(
    { id: reference, pollAfterSeconds: 60, note: { reference, lines: 2 } },
    prepare.covers,
    settings,
  ) as HttpRequest
  const seen = (state: object) => outcomesOf(follow, answer(200, state))

  it('is asked for by its reference', () => {
    expect(follow).toMatchObject({ method: 'GET', path: `/optout-list/upload-status/${reference}` })
  })

  it.each([
    [{ status: 'success', submittedCount: 2, malformedCount: 0, addedCount: 1 }, { kind: 'confirmed' }],
    [{ status: 'success' }, { kind: 'accepted', final: true, receipt: reference }],
    [
      { status: 'success', submittedCount: 2, malformedCount: 1 },
      { kind: 'deferred', reason: 'batch.malformed-lines' },
    ],
    [
      { status: 'success', submittedCount: 1, malformedCount: 0 },
      { kind: 'deferred', reason: 'unavailable.counts-differ' },
    ],
    [
      { status: 'failed', malformedCount: 2 },
      { kind: 'deferred', reason: 'batch.malformed-lines' },
    ],
    [{ status: 'failed' }, { kind: 'deferred', reason: 'unavailable.import-failed' }],
    [{ status: 'removed' }, { kind: 'deferred', reason: 'unavailable.import-removed' }],
  ])('%j is %j', (state, outcome) => {
    expect(seen(state)).toEqual([outcome, outcome])
  })

  it('that runs is waited for', () => {
    expect(read(follow, answer(200, { status: 'running' }))).toMatchObject({ outcomes: [], job: { id: reference } })
  })

  it.each([
    [401, 'auth.unauthenticated'],
    [502, 'unavailable.server-error'],
    [200, 'unavailable.unreadable-answer'],
  ])('answered with %i says nothing about anybody: %s', (status, reason) => {
    expect(read(follow, answer(status))).toMatchObject({ outcomes: [], job: { id: reference }, trouble: { reason } })
  })

  it('that nobody knows of is made anew', () => {
    expect(outcomesOf(follow, answer(404))[0]).toEqual({ kind: 'deferred', reason: 'unavailable.import-unknown' })
  })
})

describe('the rate', () => {
  const now = Date.UTC(2026, 2, 1, 10)
  const waits = (reset: string) => withRetryAfter(answer(429, undefined, { 'x-rate-limit-reset': reset }), now).headers['retry-after']

  it('ends when the header says, whether that counts seconds or names a moment', () => {
    expect([
      waits('30'),
      waits(String(now / 1000 + 45)),
      waits(String(now + 45_000)),
      waits('soon'),
      waits(String(now / 1000 - 5)),
    ]).toEqual(['30', '45', '45', undefined, '1'])
  })

  it('that is spent slows the account down before it is refused', () => {
    const spent = answer(200, { status: 'running' }, { 'x-rate-limit-remaining': '0', 'retry-after': '30' })
    expect(read(prepare, { ...ready, headers: spent.headers })).toMatchObject({ slowDownSeconds: 30 })
    expect(read(prepare, { ...ready, headers: { 'x-rate-limit-remaining': '0' } })).toMatchObject({ slowDownSeconds: 60 })
    expect(read(prepare, { ...ready, headers: { 'x-rate-limit-remaining': '7' } }).slowDownSeconds).toBeUndefined()
  })
})

it.each([
  [{ ...given, listId: undefined }, 'listId'],
  [{ ...given, keyHeader: 'cookie' }, 'keyHeader'],
  [{ ...given, credential: 'optizmo_api_x' }, 'credential'],
])('settings that are wrong are refused by the name of the field: %j', (wrong, field) => {
  expect(() => parseSettings(wrong)).toThrow(field)
})
