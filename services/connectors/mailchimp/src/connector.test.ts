import { gzipSync } from 'node:zlib'
import type { Answer, HttpRequest, Interpretation, PlannedRequest } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import { anErasure, anOptIn, anOptOut } from '@heed/testkit'
import { createTar } from 'nanotar'
import { describe, expect, it } from 'vitest'
import { mailchimp } from './connector.ts'
import { memberKey } from './operations.ts'
import { parseSettings } from './settings.ts'

const settings = parseSettings({
  baseUrl: 'https://us19.api.mailchimp.com',
  credential: 'env:MAILCHIMP_API_KEY',
  audiences: [{ id: 'l1', topics: { 'email-marketing/newsletter': 'i1', 'email-marketing/offers': 'i2' } }],
})
const twoAudiences = { ...settings, audiences: [...settings.audiences, { id: 'l2', doubleOptIn: true, topics: new Map() }] }
const batch = { sequence: 0, openedAt: 0, extent: 'delta' } as const
const ada = anOptOut('ada@example.org')
const bob = anOptOut('bob@example.org')
const adaKey = memberKey('ada@example.org')

const plan = (tasks: Parameters<typeof mailchimp.plan>[0], given = settings) => mailchimp.plan(tasks, given, batch)
const http = (planned: ReturnType<typeof plan>[number] | undefined): HttpRequest => {
  if (planned?.via !== 'http') throw new Error('an HTTP request')
  return planned
}
const answer = (status: number, body: unknown = ''): Answer => ({
  via: 'http',
  status,
  headers: {},
  body: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})
const read = (request: PlannedRequest, given: Answer): Interpretation => mailchimp.interpret(request, given, settings)
const outcomes = (interpretation: Interpretation) => interpretation.outcomes.map(({ outcome }) => outcome)
const problem = (status: number, title: string) => answer(status, { title, status, detail: 'd', instance: 'i' })

testConnector(mailchimp, {
  settings,
  tasks: [
    ada,
    bob,
    anOptIn('cy@example.org'),
    anErasure('dee@example.org'),
    anOptOut('ema@example.org', { purposes: ['email-marketing/offers'] }),
  ],
  answers: [answer(200, { status: 'unsubscribed', interests: {} }), problem(400, 'Member In Compliance State')],
  job: { id: 'b-1', pollAfterSeconds: 5, note: { operations: [[ada.deliveryId, 'opt-out']] } },
})

describe('a member key', () => {
  it('is the vector of the vendor', () => {
    expect(memberKey(' Urist.McVankab@freddiesjokes.com')).toBe('62eeb292278cc15f5817cb78f7790b08')
  })
})

describe('the plan', () => {
  it('unsubscribes, and never deletes: a deleted member may be imported again', () => {
    expect(plan([ada])).toMatchObject([
      {
        method: 'PATCH',
        path: `/lists/l1/members/${adaKey}`,
        query: { skip_merge_validation: 'true' },
        body: { json: { status: 'unsubscribed' } },
      },
    ])
  })

  it('reaches every configured audience and every address of the person', () => {
    const twice = anOptOut('ada@example.org', {
      identifiers: [
        { kind: 'email', form: 'raw', value: 'ada@example.org' },
        { kind: 'email', form: 'raw', value: 'ada@example.com' },
      ],
    })
    expect(new Set(plan([twice], twoAudiences).map((request) => http(request).path)).size).toBe(4)
  })

  it('changes topics without touching the status', () => {
    const body = http(
      plan([anOptOut('ada@example.org', { purposes: ['email-marketing/offers'], wanted: { 'email-marketing/offers': 'denied' } })])[0],
    ).body
    expect(body).toEqual({ json: { interests: { i2: false } } })
  })

  it('subscribes only with evidence, and asks the person once more where the audience does', () => {
    const [first, second] = plan([anOptIn('ada@example.org')], twoAudiences)
    expect(first).toMatchObject({ method: 'PUT', body: { json: { status: 'subscribed', status_if_new: 'subscribed' } } })
    expect(second).toMatchObject({ method: 'PUT', body: { json: { status: 'pending', status_if_new: 'pending' } } })
    expect(plan([anOptIn('ada@example.org', { evidence: {} })])).toMatchObject([{ via: 'nothing', outcome: { kind: 'notApplicable' } }])
  })

  it('does not hand over an address that Mailchimp does not have, unless the settings say so', () => {
    expect(http(plan([ada])[0]).method).toBe('PATCH')
    expect(plan([ada], { ...settings, suppressUnknown: true })).toMatchObject([
      { method: 'PUT', body: { json: { email_address: 'ada@example.org', status: 'unsubscribed', status_if_new: 'unsubscribed' } } },
    ])
  })

  it('forgets for ever on erasure', () => {
    expect(plan([anErasure('ada@example.org')])).toMatchObject([
      { method: 'POST', path: `/lists/l1/members/${adaKey}/actions/delete-permanent` },
    ])
  })

  it('goes one by one for a few, and as vendor batches of at most 500 for many', () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => anOptOut(`person-${index}@example.com`))
    expect(plan(many(49))).toHaveLength(49)
    expect(plan(many(500))).toMatchObject([{ path: '/batches', covers: { length: 500 } }])
    const sizes = plan(many(500), twoAudiences).map(
      (request) => (http(request).body as { json: { operations: unknown[] } }).json.operations.length,
    )
    expect(sizes).toEqual([500, 500])
  })
})

describe('an answer to one contact', () => {
  const request = http(plan([ada])[0])
  const optIn = http(plan([anOptIn('ada@example.org')])[0])

  it.each([
    ['unsubscribed', answer(200, { status: 'unsubscribed' }), { kind: 'confirmed' }],
    ['cleaned', answer(200, { status: 'cleaned' }), { kind: 'confirmed' }],
    ['still subscribed', answer(200, { status: 'subscribed' }), { kind: 'rejected', reason: 'item.state-not-taken' }],
    ['success without a body', answer(200), { kind: 'deferred', reason: 'unavailable.unreadable-answer' }],
    ['not a member', problem(404, 'Resource Not Found'), { kind: 'notApplicable', reason: 'not-applicable.not-a-member' }],
    ['compliance state', problem(400, 'Member In Compliance State'), { kind: 'confirmed' }],
    ['forgotten', problem(400, 'Forgotten Email Not Subscribed'), { kind: 'confirmed' }],
    ['invalid resource', problem(400, 'Invalid Resource'), { kind: 'rejected', reason: 'item.invalid' }],
    ['key invalid', problem(401, 'API Key Invalid'), { kind: 'deferred', reason: 'auth.key-invalid' }],
    ['forbidden', problem(403, 'Forbidden'), { kind: 'deferred', reason: 'auth.forbidden' }],
    ['403 without JSON', answer(403), { kind: 'deferred', reason: 'unavailable.rate-limited' }],
    ['429', problem(429, 'Too Many Requests'), { kind: 'deferred', reason: 'unavailable.rate-limited' }],
    ['502 in HTML', answer(502, '<html>'), { kind: 'deferred', reason: 'unavailable.server-error' }],
  ])('means for an opt-out: %s', (_, given, outcome) => {
    expect(outcomes(read(request, given))).toEqual([outcome])
  })

  it.each([
    ['subscribed', answer(200, { status: 'subscribed' }), { kind: 'confirmed' }],
    ['pending', answer(200, { status: 'pending' }), { kind: 'accepted', final: true }],
    [
      'compliance state',
      problem(400, 'Member In Compliance State'),
      { kind: 'notApplicable', reason: 'not-applicable.needs-the-person-at-the-vendor' },
    ],
    [
      'forgotten',
      problem(400, 'Forgotten Email Not Subscribed'),
      { kind: 'notApplicable', reason: 'not-applicable.forgotten-at-the-vendor' },
    ],
    ['no such audience', problem(404, 'Resource Not Found'), { kind: 'deferred', reason: 'configuration.audience-missing' }],
  ])('means for an opt-in: %s', (_, given, outcome) => {
    expect(outcomes(read(optIn, given))).toEqual([outcome])
  })

  it('confirms an erasure by 204 without a body', () => {
    expect(outcomes(read(http(plan([anErasure('ada@example.org')])[0]), answer(204)))).toEqual([{ kind: 'confirmed' }])
  })
})

describe('a vendor batch', () => {
  const create = http(plan([ada, bob], { ...settings, batchFrom: 2 })[0])
  const follow = (interpretation: Interpretation) => {
    if (interpretation.job === undefined || mailchimp.follow === undefined) throw new Error('a job')
    return mailchimp.follow(interpretation.job, create.covers, settings)
  }
  const created = read(create, answer(200, { id: 'b1', status: 'pending' }))
  const finished = (errored: number) =>
    answer(200, { id: 'b1', status: 'finished', errored_operations: errored, response_body_url: 'https://results.example.com/b1.tar.gz' })
  const archive = (entries: unknown[]) =>
    answer(200, Buffer.from(gzipSync(createTar([{ name: 'b1/0.json', data: JSON.stringify(entries) }]))))

  it('is followed until it is finished', () => {
    expect(created.outcomes).toEqual([])
    expect(follow(created)).toMatchObject({ method: 'GET', path: '/batches/b1', intent: 'follow' })
    expect(read(follow(created), answer(200, { id: 'b1', status: 'started' })).job).toMatchObject({ id: 'b1' })
  })

  it('is confirmed without another request where nothing failed', () => {
    expect(outcomes(read(follow(created), finished(0)))).toEqual([{ kind: 'confirmed' }, { kind: 'confirmed' }])
  })

  it('is read operation by operation where something failed', () => {
    const { next } = read(follow(created), finished(1))
    if (next === undefined) throw new Error('the results are fetched')
    expect(next).toMatchObject({ path: 'https://results.example.com/b1.tar.gz', authenticated: false })
    const entries = [
      { status_code: 404, operation_id: '1', response: '{"title":"Resource Not Found"}' },
      { status_code: 200, operation_id: '0', response: '{"status":"unsubscribed"}' },
    ]
    expect(outcomes(read(next, archive(entries)))).toEqual([
      { kind: 'confirmed' },
      { kind: 'notApplicable', reason: 'not-applicable.not-a-member' },
    ])
    expect(outcomes(read(next, archive(entries.slice(1))))).toEqual([
      { kind: 'confirmed' },
      { kind: 'deferred', reason: 'unavailable.result-missing' },
    ])
  })

  it('is asked for again where the address of its results has expired', () => {
    const { next } = read(follow(created), finished(1))
    if (next === undefined) throw new Error('the results are fetched')
    expect(read(next, answer(403)).job).toMatchObject({
      id: 'b1',
      note: {
        operations: [
          [ada.deliveryId, 'opt-out'],
          [bob.deliveryId, 'opt-out'],
        ],
      },
    })
  })

  it('that is refused as a whole is split, and rejects nobody', () => {
    expect(outcomes(read(create, problem(400, 'Invalid Resource')))).toEqual(Array(2).fill({ kind: 'deferred', reason: 'batch.refused' }))
  })

  it('whose results are gone is asserted again', () => {
    expect(outcomes(read(follow(created), problem(404, 'Resource Not Found')))[0]).toEqual({
      kind: 'deferred',
      reason: 'unavailable.results-gone',
    })
  })
})

describe('a read-back', () => {
  const [request] = mailchimp.readBack?.([ada], settings) ?? []
  if (request === undefined) throw new Error('a request')

  it.each([
    ['unsubscribed', answer(200, { status: 'unsubscribed' }), 'wanted'],
    ['subscribed again', answer(200, { status: 'subscribed' }), 'other'],
    ['not there', problem(404, 'Resource Not Found'), 'wanted'],
    ['unreadable', answer(502, '<html>'), 'unreadable'],
  ])('sees: %s', (_, given, holds) => {
    expect(read(request, given).observed).toEqual([{ deliveryId: ada.deliveryId, holds }])
  })
})

describe('settings', () => {
  it.each([
    [{ baseUrl: 'nowhere' }, 'baseUrl'],
    [{ baseUrl: 'https://us19.api.mailchimp.com', credential: 'secret-us19' }, 'credential'],
    [{ baseUrl: 'https://us19.api.mailchimp.com', credential: 'env:KEY', audiences: [] }, 'audiences'],
  ])('that are wrong are refused by the name of the field', (given, field) => {
    expect(() => parseSettings(given)).toThrow(field)
  })
})
