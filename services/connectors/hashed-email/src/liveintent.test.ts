import { createHash } from 'node:crypto'
import type { HttpAnswer, PlannedRequest } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import { anErasure, anOptIn, anOptOut, emailIdentifiers } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { hashedEmail } from './connector.ts'
import { parseSettings } from './settings.ts'

const given = { transport: 'liveintent', credential: 'env:LIVEINTENT_TOKEN', scope: { kind: 'Advertiser', id: 1 } }
const settings = parseSettings(given)
const forms = ['legacy-md5-hex', 'legacy-sha1-hex', 'plain-sha256-hex'] as const
const hashesOf = (address: string) => forms.flatMap((form) => emailIdentifiers(address, form))
const options = (address: string) => ({
  recipientId: 'cross-device-partners',
  purposes: ['cross-device-linking', 'interest-based-advertising'],
  identifiers: hashesOf(address),
})
const ada = anOptOut('USER@example.com', options('USER@example.com'))
const batch = { sequence: 0, openedAt: 0, extent: 'delta' } as const

const answer = (status: number, json?: unknown): HttpAnswer => ({
  via: 'http',
  status,
  headers: {},
  body: Buffer.from(json === undefined ? '' : JSON.stringify(json)),
})
const taken = answer(202, { transactionId: 'a-1' })

testConnector(hashedEmail, {
  settings,
  tasks: [ada, anOptOut('bob@example.org', options('bob@example.org')), anErasure('dee@example.org', options('dee@example.org'))],
  answers: [taken, answer(403, { errors: [{ httpStatus: 403, message: 'Invalid token', errorCode: 'FORBIDDEN' }] })],
  job: { id: 'a-1', pollAfterSeconds: 60, note: { id: 'a-1', looks: 0 } },
})

const plan = (task: typeof ada) => hashedEmail.plan([task], settings, batch)
const submit = plan(ada)[0] as PlannedRequest
const outcomeOf = (request: PlannedRequest, given: HttpAnswer, by = settings) =>
  hashedEmail.interpret(request, given, by).outcomes[0]?.outcome

describe('a request', () => {
  it('holds every hash of one person, for the scope and the law that are set', () => {
    expect(submit).toMatchObject({
      method: 'POST',
      path: '/data-subject-requests',
      covers: [ada.deliveryId],
      body: {
        json: {
          action: 'RESTRICT',
          scope: { Advertiser: { id: 1 } },
          jurisdiction: 'US_PRIVACY',
          emailHashes: [
            '63a710569261a24b3766275b7000ce8d7b32e2f7',
            'b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514',
            'b58996c504c5638798eb6b511e6f49af',
          ],
        },
      },
    })
  })

  it('holds all addresses of a person, and never two people', () => {
    const two = anOptOut('ada@example.org', {
      ...options(''),
      identifiers: [...hashesOf('ada@example.org'), ...hashesOf('ada@example.com')],
    })
    const planned = hashedEmail.plan([two, ada], settings, batch)
    expect(planned.map((one) => one.via === 'http' && (one.body as { json: { emailHashes: string[] } }).json.emailHashes.length)).toEqual([
      6, 3,
    ])
  })

  it('has a reference that a repeat has too, and that leads back to nobody', () => {
    const reference = (request: unknown) => (request as { body: { json: { submitter: string } } }).body.json.submitter
    expect(reference(submit)).toBe(`heed.${createHash('sha256').update(ada.deliveryId).digest('hex').slice(0, 24)}`)
    expect(reference(plan({ ...ada, unknownBefore: true })[0])).toBe(reference(submit))
  })

  it('asks for erasure where somebody is to be forgotten', () => {
    expect(plan(anErasure('dee@example.org', options('dee@example.org')))[0]).toMatchObject({ body: { json: { action: 'ERASURE' } } })
  })

  it.each([
    ['there is no opt-in', anOptIn('bob@example.org', options('bob@example.org')), 'not-applicable.no-opt-in'],
    ['nobody asked', anOptIn('cy@example.org', { ...options('cy@example.org'), evidence: {} }), 'not-applicable.nothing-held-there'],
    [
      'there is no hash',
      anOptOut('cy@example.org', { ...options(''), identifiers: emailIdentifiers('cy@example.org') }),
      'not-applicable.no-identifier',
    ],
  ])('does not go out where %s', (_, task, reason) => {
    expect(plan(task)).toEqual([{ via: 'nothing', covers: [task.deliveryId], outcome: { kind: 'notApplicable', reason } }])
  })
})

describe('an answer to a request', () => {
  it('202 names the transaction, which is kept and followed', () => {
    expect(hashedEmail.interpret(submit, taken, settings)).toEqual({
      outcomes: [],
      job: { id: 'a-1', pollAfterSeconds: 60, note: { id: 'a-1', looks: 0 } },
    })
  })

  it('202 stands by itself where nobody may look', () => {
    const blind = parseSettings({ ...given, looks: 0 })
    expect(hashedEmail.interpret(submit, taken, blind)).toEqual({
      outcomes: [{ deliveryId: ada.deliveryId, outcome: { kind: 'accepted', final: true, receipt: 'a-1' } }],
    })
  })

  it.each([
    [400, 'rejected', 'item.refused-by-partner'],
    [401, 'deferred', 'auth.unauthenticated'],
    [403, 'deferred', 'auth.forbidden'],
    [404, 'deferred', 'configuration.scope-not-allowed'],
    [429, 'deferred', 'unavailable.rate-limited'],
    [500, 'deferred', 'unavailable.server-error'],
    [200, 'deferred', 'configuration.unexpected-answer'],
  ])('%i is %s, %s', (status, kind, reason) => {
    expect(outcomeOf(submit, answer(status, { errors: [{ httpStatus: status, message: 'no', errorCode: 'E' }] }))).toEqual({ kind, reason })
  })

  it('202 without a transaction is no success', () => {
    expect(outcomeOf(submit, answer(202, {}))).toEqual({ kind: 'deferred', reason: 'unavailable.unreadable-answer' })
  })
})

describe('a look', () => {
  const look = (looks: number) =>
    hashedEmail.follow?.({ id: 'a-1', pollAfterSeconds: 60, note: { id: 'a-1', looks } }, [ada.deliveryId], settings) as PlannedRequest
  const seen = (status: string) =>
    answer(200, { transactionId: 'a-1', action: 'RESTRICT', status, emailHashes: [], createdAt: '2026-03-01T10:00:00Z' })

  it('confirms a state that the settings call done, and leaves one that they call failed to a person', () => {
    expect(outcomeOf(look(0), seen('COMPLETED'))).toEqual({ kind: 'confirmed' })
    expect(outcomeOf(look(0), seen('FAILED'))).toEqual({ kind: 'rejected', reason: 'item.failed-at-partner' })
  })

  it('counts itself, and after the last one leaves it at what was said: taken, and no more', () => {
    expect(hashedEmail.interpret(look(3), seen('PENDING'), settings)).toMatchObject({
      outcomes: [],
      job: { note: { id: 'a-1', looks: 4 } },
    })
    expect(outcomeOf(look(11), seen('PENDING'))).toEqual({ kind: 'accepted', final: true, receipt: 'a-1' })
  })

  it('that is not for us takes nothing back', () => {
    expect(outcomeOf(look(0), answer(404))).toEqual({ kind: 'accepted', final: true, receipt: 'a-1' })
  })

  it('in a bad moment does not count', () => {
    expect(hashedEmail.interpret(look(3), answer(503), settings)).toMatchObject({
      outcomes: [],
      job: { note: { looks: 3 } },
      trouble: { reason: 'unavailable.server-error' },
    })
  })
})

describe('settings', () => {
  it.each([
    [{ ...given, scope: { kind: 'Global' } }, 'scope.kind'],
    [{ ...given, scope: { kind: 'MediaGroup', id: 7 } }, 'scope.kind'],
    [{ ...given, scope: { kind: 'Advertiser' } }, 'scope.id'],
    [{ ...given, scope: undefined }, 'scope'],
    [{ ...given, jurisdiction: 'MARS' }, 'jurisdiction'],
    [{ ...given, credential: 'secret' }, 'credential'],
  ])('that are wrong are refused by the name of the field: %j', (wrong, field) => {
    expect(() => parseSettings(wrong)).toThrow(field)
  })

  it('let a wide scope through where it is meant', () => {
    const wide = parseSettings({ ...given, scope: { kind: 'Global' }, allowWideScope: true })
    expect(hashedEmail.plan([ada], wide, batch)[0]).toMatchObject({ body: { json: { scope: { Global: {} } } } })
  })
})
