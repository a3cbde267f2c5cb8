import type { Answer, HttpRequest, Interpretation, PlannedRequest, Task } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import type { Outcome } from '@heed/domain'
import { anErasure, anOptIn, anOptOut, emailIdentifiers } from '@heed/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { microsoftAds } from './connector.ts'
import { parseSettings } from './settings.ts'

const given = {
  credentials: { clientId: 'env:ID', clientSecret: 'env:SECRET', developerToken: 'env:DEVELOPER' },
  refreshTokenFile: '/var/lib/heed/microsoft-refresh-token',
  customerId: '834600001',
  customerAccountId: '9223372036854775807',
  audiences: ['834700001'],
}
const settings = parseSettings(given)
const batch = { sequence: 0, openedAt: 0, extent: 'delta' } as const
const options = { recipientId: 'microsoft-advertising', purposes: ['interest-based-advertising'], form: 'plain-sha256-hex' }
const janes = '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d'

const ada = anOptOut('ada@example.org', options)
const bob = anOptOut('bob@example.org', options)
const cy = anOptOut('cy@example.org', options)
const dee = anOptIn('dee@example.org', options)
const twice = anOptOut('jane.doe@example.com', {
  ...options,
  identifiers: [
    ...emailIdentifiers('Jane.Doe@Example.com', 'plain-sha256-hex'),
    ...emailIdentifiers('jane@example.org', 'plain-sha256-hex'),
  ],
})

const requests = (tasks: readonly Task[], using = settings): HttpRequest[] =>
  microsoftAds.plan(tasks, using, batch).filter((planned): planned is HttpRequest => planned.via === 'http')
const only = (tasks: readonly Task[]): HttpRequest => {
  const [request] = requests(tasks)
  if (request === undefined) throw new Error('a request')
  return request
}
const itemsIn = (request: PlannedRequest | undefined): string[] =>
  request?.via === 'http' && request.body !== undefined && 'json' in request.body
    ? (request.body.json as { CustomerListUserData: { CustomerListItems: string[] } }).CustomerListUserData.CustomerListItems
    : []
const answer = (status: number, body: unknown = '', headers: Record<string, string> = {}): Answer => ({
  via: 'http',
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})
const partial = (...errors: [Code: number, Index: number | null][]) =>
  answer(200, {
    PartialErrors: errors.map(([Code, Index]) => ({ Code, ErrorCode: 'E', Message: 'm', Details: null, Index, Type: 'BatchError' })),
  })
const fault = (status: number, Code: number) =>
  answer(status, { Errors: [{ Code, ErrorCode: 'E', Message: 'm', Detail: null }], TrackingId: 't-1', Type: 'AdApiFaultDetail' })
const read = (request: PlannedRequest, of: Answer): Interpretation => microsoftAds.interpret(request, of, settings)
const outcomes = ({ outcomes }: Interpretation): Record<string, Outcome> =>
  Object.fromEntries(outcomes.map(({ deliveryId, outcome }) => [deliveryId, outcome]))
const next = (interpretation: Interpretation): PlannedRequest => {
  if (interpretation.next === undefined) throw new Error('a next step')
  return interpretation.next
}
const accepted = { kind: 'accepted', final: true }

testConnector(microsoftAds, {
  settings,
  tasks: [ada, bob, twice, dee, anErasure('ema@example.org', options)],
  answers: [partial(), partial([8004, 1]), partial([8004, null]), fault(400, 117), answer(200, { PartialErrors: null })],
})

describe('the plan', () => {
  it('removes the hash of the vendor’s vectors from the list, ids as texts', () => {
    const plus = anOptOut('jane.doe+promo@example.com', options)
    expect(requests([anOptOut('  Jane.Doe@Example.com ', options), plus])).toMatchObject([
      {
        method: 'POST',
        path: '/CampaignManagement/v13/CustomerListUserData/Apply',
        headers: { CustomerId: '834600001', CustomerAccountId: '9223372036854775807' },
        body: {
          json: {
            CustomerListUserData: {
              AudienceId: '834700001',
              ActionType: 'Remove',
              CustomerListItemSubType: 'Email',
              CustomerListItems: [janes, 'c3374bcfe3572e09f37602e0e179782352c5e117a4a3767824abbaa21bbdef8b'],
            },
          },
        },
      },
    ])
  })

  it('sends one action of one list in a request, to every list of the account', () => {
    const sent = requests([dee, ada], parseSettings({ ...given, audiences: ['1', '2'] }))
    expect(sent.map(({ covers, body }) => [covers, body])).toMatchObject([
      [[ada.deliveryId], { json: { CustomerListUserData: { AudienceId: '1', ActionType: 'Remove' } } }],
      [[dee.deliveryId], { json: { CustomerListUserData: { AudienceId: '1', ActionType: 'Add' } } }],
      [[ada.deliveryId], { json: { CustomerListUserData: { AudienceId: '2', ActionType: 'Remove' } } }],
      [[dee.deliveryId], { json: { CustomerListUserData: { AudienceId: '2', ActionType: 'Add' } } }],
    ])
  })

  it('sends at most 1,000 items in a request, counting addresses and not people', () => {
    const people = Array.from({ length: 1_000 }, (_, index) => anOptOut(`p${index}@example.org`, options))
    expect(requests(people).map((request) => itemsIn(request).length)).toEqual([1_000])
    const sent = requests([...people, twice])
    expect(sent.map((request) => itemsIn(request).length)).toEqual([1_000, 2])
    expect(requests([...people.slice(1), twice]).map(({ covers }) => covers.includes(twice.deliveryId))).toEqual([true, true])
  })

  it('removes who is to be forgotten, adds nobody for a default, and never sends an address that is not hashed', () => {
    expect(only([anErasure('ada@example.org', options)]).body).toMatchObject({ json: { CustomerListUserData: { ActionType: 'Remove' } } })
    const byDefault = anOptIn('ada@example.org', { ...options, evidence: {} })
    const raw = anOptOut('bob@example.org', { ...options, form: 'raw' })
    expect(microsoftAds.plan([byDefault, raw], settings, batch)).toEqual([
      { via: 'nothing', covers: [byDefault.deliveryId], outcome: { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' } },
      { via: 'nothing', covers: [raw.deliveryId], outcome: { kind: 'notApplicable', reason: 'not-applicable.no-identifier' } },
    ])
  })
})

describe('an answer', () => {
  it('without partial errors took everything', () => {
    for (const of of [partial(), answer(200, { PartialErrors: null }), answer(200, { PartialErrors: [null] })])
      expect(outcomes(read(only([ada, bob]), of))).toEqual({ [ada.deliveryId]: accepted, [bob.deliveryId]: accepted })
  })

  it('that does not speak of partial errors took nothing', () => {
    for (const of of [answer(200), answer(200, {}), answer(200, '<html>'), answer(204)])
      expect(outcomes(read(only([ada]), of))).toEqual({ [ada.deliveryId]: { kind: 'deferred', reason: 'unavailable.unreadable-answer' } })
  })

  it('names the exchange, as a receipt and for the log', () => {
    expect(read(only([ada]), answer(200, { PartialErrors: [] }, { trackingid: '7f0c-1' }))).toEqual({
      trace: '7f0c-1',
      outcomes: [{ deliveryId: ada.deliveryId, outcome: { ...accepted, receipt: '7f0c-1' } }],
    })
    expect(read(only([ada]), fault(500, 0)).trace).toBe('t-1')
    expect(read(only([ada]), answer(200, { PartialErrors: [] }, { trackingid: 'a b' })).trace).toBeUndefined()
  })
})

describe('partial errors', () => {
  it('refuse the items named, and the others are sent once more', () => {
    const first = read(only([ada, bob, cy]), partial([8004, 1]))
    expect(outcomes(first)).toEqual({ [bob.deliveryId]: { kind: 'rejected', reason: 'item.email-not-hashed' } })
    expect(next(first)).toMatchObject({
      path: only([ada]).path,
      headers: { CustomerId: '834600001' },
      covers: [ada.deliveryId, cy.deliveryId],
    })
    expect(itemsIn(first.next)).toEqual([ada.identifiers[0]?.value, cy.identifiers[0]?.value])
    expect(outcomes(read(next(first), partial()))).toEqual({ [ada.deliveryId]: accepted, [cy.deliveryId]: accepted })
  })

  it('of the second try leave the others taken: there is no third', () => {
    const second = read(next(read(only([ada, bob, cy]), partial([8004, 1]))), partial([8005, 0]))
    expect(second.next).toBeUndefined()
    expect(outcomes(second)).toEqual({ [ada.deliveryId]: { kind: 'rejected', reason: 'item.id-too-long' }, [cy.deliveryId]: accepted })
  })

  it('that name every item leave nothing to send', () => {
    expect(read(only([ada, bob]), partial([8004, 0], [8006, 1]))).toEqual({
      outcomes: [
        { deliveryId: ada.deliveryId, outcome: { kind: 'rejected', reason: 'item.email-not-hashed' } },
        { deliveryId: bob.deliveryId, outcome: { kind: 'rejected', reason: 'item.identifier-missing' } },
      ],
    })
  })

  it('of one address of a person do not keep her other one from being sent, and are told in the end', () => {
    const first = read(only([twice, ada]), partial([8004, 0]))
    expect(first.outcomes).toEqual([])
    expect(itemsIn(first.next)).toEqual([twice.identifiers[1]?.value, ada.identifiers[0]?.value])
    const refused = { kind: 'rejected', reason: 'item.email-not-hashed' }
    expect(outcomes(read(next(first), partial()))).toEqual({ [twice.deliveryId]: refused, [ada.deliveryId]: accepted })
    const down = { kind: 'deferred', reason: 'unavailable.server-error' }
    expect(outcomes(read(next(first), answer(503)))).toEqual({ [twice.deliveryId]: down, [ada.deliveryId]: down })
  })

  it('may say that an item is to be tried again', () => {
    const first = read(only([ada, bob]), partial([0, 0]))
    expect(outcomes(first)).toEqual({ [ada.deliveryId]: { kind: 'deferred', reason: 'unavailable.server-error' } })
    expect(next(first).covers).toEqual([bob.deliveryId])
  })

  it('without a place, or with one that was not sent, are about the whole request: nothing counts as done', () => {
    for (const index of [null, 7]) {
      const outcome = { kind: 'deferred', reason: 'batch.email-not-hashed' }
      expect(read(only([ada, bob]), partial([8004, index], [8004, 0]))).toEqual({
        outcomes: [
          { deliveryId: ada.deliveryId, outcome },
          { deliveryId: bob.deliveryId, outcome },
        ],
      })
    }
    expect(outcomes(read(only([ada]), partial([8003, null])))[ada.deliveryId]).toEqual({
      kind: 'deferred',
      reason: 'configuration.terms-not-accepted',
    })
  })

  it('that are not known by their number are refusals all the same, whatever their type', () => {
    const of = answer(200, { PartialErrors: [{ Code: 4711, Index: 0, Type: 'EditorialError' }, { Index: 1 }] })
    expect(outcomes(read(only([ada, bob]), of))).toEqual({
      [ada.deliveryId]: { kind: 'rejected', reason: 'item.refused-4711' },
      [bob.deliveryId]: { kind: 'rejected', reason: 'item.refused' },
    })
  })
})

describe('a request with bad items in it', () => {
  const people = Array.from({ length: 20 }, (_, index) =>
    anOptOut(`q${index}@example.org`, {
      ...options,
      identifiers: Array.from({ length: 1 + (index % 3) }, (_, own) =>
        emailIdentifiers(`q${index}-${own}@example.org`, 'plain-sha256-hex'),
      ).flat(),
    }),
  )
  const hashes = people.flatMap(({ identifiers }) => identifiers.map(({ value }) => value))

  it('ends with every good item told, and with those people refused that have a bad one', () => {
    const property = fc.property(fc.subarray(hashes), (some) => {
      const bad = new Set(some)
      const told = new Set<string>()
      const vendor = (request: PlannedRequest): Answer => {
        const items = itemsIn(request)
        for (const item of items) if (!bad.has(item)) told.add(item)
        return partial(...items.flatMap((item, index): [number, number][] => (bad.has(item) ? [[8004, index]] : [])))
      }
      const said: Interpretation['outcomes'][number][] = []
      for (let step: PlannedRequest | undefined = only(people), count = 0; step !== undefined; count += 1) {
        expect(count).toBeLessThan(2)
        const interpretation = read(step, vendor(step))
        said.push(...interpretation.outcomes)
        step = interpretation.next
      }
      expect(said).toHaveLength(people.length)
      for (const { deliveryId, identifiers } of people) {
        const kinds = said.filter((one) => one.deliveryId === deliveryId).map(({ outcome }) => outcome.kind)
        expect(kinds).toEqual([identifiers.some(({ value }) => bad.has(value)) ? 'rejected' : 'accepted'])
      }
      expect([...told].sort()).toEqual(hashes.filter((hash) => !bad.has(hash)).sort())
    })
    fc.assert(property, { numRuns: 50 })
  })
})

describe('an error of the whole request', () => {
  it.each([
    [0, 'unavailable.server-error'],
    [100, 'configuration.request-refused'],
    [105, 'auth.token-refused'],
    [109, 'auth.token-refused'],
    [106, 'auth.no-right-to-account'],
    [120, 'auth.login-refused'],
    [123, 'auth.wrong-identity'],
    [116, 'configuration.request-refused'],
    [117, 'unavailable.rate-limited'],
    [8000, 'configuration.list-missing'],
    [8001, 'configuration.request-refused'],
    [8002, 'configuration.request-refused'],
    [8003, 'configuration.terms-not-accepted'],
    [8004, 'batch.email-not-hashed'],
    [8005, 'batch.id-too-long'],
    [8006, 'batch.identifier-missing'],
    [4711, 'batch.refused-4711'],
  ])('%i means %s, whatever the status and the shape', (code, reason) => {
    const outcome = { kind: 'deferred', reason, ...(code === 117 ? { retryAfterSeconds: 60 } : {}) }
    const shapes = [
      fault(400, code),
      fault(200, code),
      answer(400, { OperationErrors: [{ Code: code, ErrorCode: 'E' }], BatchErrors: null, Type: 'ApiFaultDetail' }),
      answer(400, { OperationErrors: [], BatchErrors: [{ Code: code, Index: null }], Type: 'ApiFaultDetail' }),
    ]
    for (const of of shapes) expect(outcomes(read(only([ada, bob]), of))).toEqual({ [ada.deliveryId]: outcome, [bob.deliveryId]: outcome })
  })

  it.each([
    [400, 'batch.refused'],
    [401, 'auth.token-refused'],
    [403, 'auth.forbidden'],
    [404, 'configuration.unexpected-answer'],
    [408, 'unavailable.timeout'],
    [413, 'batch.too-long'],
    [429, 'unavailable.rate-limited'],
    [500, 'unavailable.server-error'],
    [503, 'unavailable.server-error'],
    [302, 'configuration.unexpected-answer'],
  ])('without a code goes by its status %i', (status, reason) => {
    expect(outcomes(read(only([ada]), answer(status, '<html>')))).toEqual({ [ada.deliveryId]: { kind: 'deferred', reason } })
  })

  it('that no code explains is the vendor’s trouble where its status says so', () => {
    expect(outcomes(read(only([ada]), fault(503, 4711)))).toEqual({
      [ada.deliveryId]: { kind: 'deferred', reason: 'unavailable.server-error' },
    })
  })

  it('of several is the one that is known', () => {
    const of = answer(400, { Errors: [{ Code: 4711 }, { Code: 8003 }] })
    expect(outcomes(read(only([ada]), of))).toEqual({ [ada.deliveryId]: { kind: 'deferred', reason: 'configuration.terms-not-accepted' } })
  })

  it('which names items took none of the others: they are sent again, and not believed where it fails again', () => {
    const refused = answer(400, { OperationErrors: [], BatchErrors: [{ Code: 8004, Index: 0 }], Type: 'ApiFaultDetail' })
    const first = read(only([ada, bob, cy]), refused)
    expect(next(first).covers).toEqual([bob.deliveryId, cy.deliveryId])
    expect(outcomes(read(next(first), refused))).toEqual({
      [bob.deliveryId]: { kind: 'rejected', reason: 'item.email-not-hashed' },
      [cy.deliveryId]: { kind: 'deferred', reason: 'batch.refused' },
    })
  })
})

describe('the settings', () => {
  it.each([
    ['audiences.0', { audiences: [834700001] }],
    ['customerId', { customerId: 834600001 }],
    ['refreshTokenFile', { refreshTokenFile: undefined }],
    ['refreshTokenFile', { refreshTokenFile: 'env:TOKEN' }],
    ['credentials.developerToken', { credentials: { ...given.credentials, developerToken: 'hunter2' } }],
    ['concurrentRequests', { concurrentRequests: 3 }],
  ])('name %s when it is wrong', (field, more) => {
    expect(() => parseSettings({ ...given, ...more })).toThrow(expect.objectContaining({ field }))
  })

  it('need no secret of an app that has none', () => {
    expect(
      parseSettings({ ...given, credentials: { clientId: 'env:ID', developerToken: 'env:DEVELOPER' } }).credentials.clientSecret,
    ).toBeUndefined()
  })
})
