import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findPurpose, findRecipient, mustBeTold, parsePolicy, serves } from './index.ts'
import { suggestion } from './policy-document.ts'
import { aPolicyDocument, key, policy, recipient } from './test-policy.ts'

type Document = ReturnType<typeof aPolicyDocument>

/** The problems of the small policy after it was spoiled, as `path: message`. */
function problems(spoil: (document: Document & Record<string, unknown>) => void): string[] {
  const document = aPolicyDocument() as Document & Record<string, unknown>
  spoil(document)
  const parsed = parsePolicy(document)
  return parsed.ok ? [] : parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

const at = <T>(list: T[], index: number): T & Record<string, unknown> => list[index] as T & Record<string, unknown>

describe('a policy document', () => {
  it('that is right becomes a policy, with what may be left out filled in', () => {
    expect(policy.purposes.map((purpose) => [purpose.key, purpose.topics.length])).toEqual([
      ['mail', 2],
      ['ads', 0],
      ['profiling', 1],
      ['receipts', 0],
    ])
    expect(policy.recipients.map(({ id, deadline }) => [id, deadline])).toEqual([
      ['mailer', { hours: 24 }],
      ['ad-house', { hours: 24 }],
      ['paper', { businessDays: 2 }],
      ['bank', { hours: 0 }],
    ])
  })

  it('may say why, quote more than one sentence, and claim the rest', () => {
    const document = {
      ...aPolicyDocument(),
      proseFile: 'prose.txt',
      claims: [{ clause: '1', quote: 'Nothing is told.', reason: 'Nothing is.' }],
    }
    at(document.purposes, 0).also = [{ clause: '1', quote: 'More.' }]
    at(document.recipients, 0).deadline = { hours: 24, why: 'a rule' }
    const parsed = parsePolicy(document)
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    expect(parsed.policy).toMatchObject({ proseFile: 'prose.txt', claims: [{ reason: 'Nothing is.' }] })
    expect(parsed.policy.purposes[0]?.also).toEqual([{ clause: '1', quote: 'More.' }])
    expect(parsed.policy.recipients[0]?.deadline).toEqual({ hours: 24, why: 'a rule' })
  })

  it.each<[why: string, spoil: (document: Document & Record<string, unknown>) => void, expected: string | RegExp]>([
    ['a typo in a key', (d) => Object.assign(d, { recipents: [] }), 'recipents: unknown key "recipents": did you mean "recipients"?'],
    ['a key that is like no other', (d) => Object.assign(d, { colour: 1 }), /^colour: unknown key "colour"; known here: id, version/],
    [
      'a key that is missing',
      (d) => Reflect.deleteProperty(at(d.purposes, 1), 'refusable'),
      'purposes.1: "refusable" is missing: true or false',
    ],
    ['a number for a text', (d) => Object.assign(d, { version: 1 }), /^version: must be a text \(put it in quotes\), and is a number$/],
    ['an empty text', (d) => Object.assign(d, { title: ' ' }), /^title: must be a text/],
    ['an impossible day', (d) => Object.assign(d, { effectiveFrom: '2026-02-30' }), /^effectiveFrom: must be a day of the calendar/],
    ['a holiday twice', (d) => d.calendar.holidays.push('2026-12-25'), 'calendar.holidays.1: this day is listed twice'],
    ['a holiday that is none', (d) => d.calendar.holidays.push('Christmas'), /^calendar.holidays.1: must be a day/],
    [
      'an offset of no place',
      (d) => Object.assign(d.calendar, { utcOffsetMinutes: 9000 }),
      /^calendar.utcOffsetMinutes: must be a whole number from -720 to 840/,
    ],
    ['evidence of no age', (d) => Object.assign(d, { evidenceMaxAgeDays: 0 }), /^evidenceMaxAgeDays: must be a whole number/],
    [
      'a file elsewhere',
      (d) => Object.assign(d, { proseFile: '../prose.txt' }),
      /^proseFile: must be the name of a file in the same folder/,
    ],
    ['a purpose twice', (d) => Object.assign(at(d.purposes, 1), { key: 'mail' }), 'purposes.1.key: "mail" is defined twice'],
    ['a purpose named badly', (d) => Object.assign(at(d.purposes, 1), { key: 'Ads!' }), /^purposes.1.key: must be lower-case words/],
    ['a topic as a purpose', (d) => Object.assign(at(d.purposes, 1), { key: 'ads/all' }), /^purposes.1.key: a purpose has no "\/"/],
    [
      'a topic of another purpose',
      (d) => Object.assign(at(d.purposes, 1), { topics: [{ key: 'mail/x', title: 'X' }] }),
      /^purposes.1.topics.0.key: a topic of this purpose is written ads\/<topic>/,
    ],
    [
      'a topic that cannot be refused',
      (d) => Object.assign(at(d.purposes, 3), { topics: [{ key: 'receipts/x', title: 'X' }] }),
      /^purposes.3.topics: a purpose that cannot be refused/,
    ],
    [
      'a denial that cannot be refused',
      (d) => Object.assign(at(d.purposes, 3), { default: 'denied' }),
      /^purposes.3.default: must be granted/,
    ],
    [
      'a choice that is none',
      (d) => Object.assign(at(d.purposes, 0), { default: 'grantet' }),
      /^purposes.0.default: must be one of granted, denied: did you mean "granted"\?/,
    ],
    ['no purpose at all', (d) => Object.assign(d, { purposes: [] }), 'purposes: must define at least one purpose'],
    ['a recipient twice', (d) => Object.assign(at(d.recipients, 1), { id: 'mailer' }), 'recipients.1.id: "mailer" is defined twice'],
    [
      'a recipient named badly',
      (d) => Object.assign(at(d.recipients, 1), { id: 'Ad House' }),
      /^recipients.1.id: must be lower-case words/,
    ],
    [
      'a purpose that does not exist',
      (d) => Object.assign(at(d.recipients, 1), { purposes: ['adds'] }),
      'recipients.1.purposes.0: no purpose "adds" is defined: did you mean "ads"?',
    ],
    [
      'a topic served',
      (d) => Object.assign(at(d.recipients, 0), { purposes: ['mail/news'] }),
      'recipients.0.purposes.0: a recipient serves purposes, never topics',
    ],
    [
      'a purpose served twice',
      (d) => Object.assign(at(d.recipients, 0), { purposes: ['mail', 'mail'] }),
      'recipients.0.purposes.1: "mail" is named twice',
    ],
    [
      'nothing served',
      (d) => Object.assign(at(d.recipients, 0), { purposes: [] }),
      /^recipients.0.purposes: must name at least one purpose/,
    ],
    [
      'an identifier of no kind',
      (d) => Object.assign(at(d.recipients, 0), { grants: [{ kind: 'e-mail', form: 'raw' }] }),
      /^recipients.0.grants.0.kind: must be one of .*did you mean "email"\?/,
    ],
    [
      'a form of another kind',
      (d) => Object.assign(at(d.recipients, 0), { grants: [{ kind: 'phone', form: 'plain-sha256-hex' }] }),
      /^recipients.0.grants.0.form: must be a form of phone/,
    ],
    [
      'a form of a kind granted twice',
      (d) =>
        Object.assign(at(d.recipients, 0), {
          grants: [
            { kind: 'email', form: 'raw' },
            { kind: 'email', form: 'plain-sha256-hex' },
            { kind: 'email', form: 'raw' },
          ],
        }),
      'recipients.0.grants.2: email as raw is granted twice',
    ],
    [
      'a connector without identifiers',
      (d) => Object.assign(at(d.recipients, 0), { grants: [] }),
      /^recipients.0.grants: must name at least one identifier/,
    ],
    [
      'identifiers for nobody',
      (d) => Object.assign(at(d.recipients, 3), { grants: [{ kind: 'email', form: 'raw' }] }),
      /^recipients.3.grants: must be empty/,
    ],
    [
      'a deadline for nobody',
      (d) => Object.assign(at(d.recipients, 3), { deadline: { hours: 1 } }),
      /^recipients.3.deadline: no clock runs/,
    ],
    [
      'two deadlines',
      (d) => Object.assign(at(d.recipients, 0), { deadline: { hours: 1, businessDays: 1 } }),
      'recipients.0.deadline: must give hours or businessDays, not both',
    ],
    [
      'a clock for erasure where nobody can tell it',
      (d) => Object.assign(at(d.recipients, 3), { erasure: { hours: 1 } }),
      /^recipients.3.erasure: nobody can tell it to erase/,
    ],
    [
      'two clocks for erasure',
      (d) => Object.assign(at(d.recipients, 0), { erasure: { hours: 1, businessDays: 1 } }),
      'recipients.0.erasure: must give hours or businessDays, not both',
    ],
    [
      'a deadline of nothing',
      (d) => Object.assign(at(d.recipients, 0), { deadline: { hours: 0 } }),
      /^recipients.0.deadline.hours: must be a number from 0.01/,
    ],
    [
      'half a business day',
      (d) => Object.assign(at(d.recipients, 0), { deadline: { businessDays: 0.5 } }),
      /^recipients.0.deadline.businessDays: must be a whole number/,
    ],
    ['no deadline', (d) => Object.assign(at(d.recipients, 0), { deadline: {} }), /^recipients.0.deadline: "hours" is missing/],
    [
      'settings that are a list',
      (d) => Object.assign(at(d.recipients, 0), { fulfilment: { by: 'connector', connector: 'x', settings: [] } }),
      /^recipients.0.fulfilment.settings: must be a group of keys/,
    ],
    [
      'a connector named badly',
      (d) => Object.assign(at(d.recipients, 0), { fulfilment: { by: 'connector', connector: '../x' } }),
      /^recipients.0.fulfilment.connector: must be lower-case words/,
    ],
    [
      'a person with settings',
      (d) =>
        Object.assign(at(d.recipients, 2), { fulfilment: { by: 'person', ownerRole: 'a', instruction: { refused: ['b'] }, settings: {} } }),
      'recipients.2.fulfilment.settings: does not belong to a fulfilment by person',
    ],
    [
      'a person without an instruction',
      (d) => Object.assign(at(d.recipients, 2), { fulfilment: { by: 'person', ownerRole: 'a' } }),
      /^recipients.2.fulfilment: "instruction" is missing/,
    ],
    [
      'an instruction that says nothing about a refusal',
      (d) => Object.assign(at(d.recipients, 2), { fulfilment: { by: 'person', ownerRole: 'a', instruction: { granted: ['b'] } } }),
      /^recipients.2.fulfilment.instruction: "refused" is missing/,
    ],
    [
      'an instruction without a step',
      (d) => Object.assign(at(d.recipients, 2), { fulfilment: { by: 'person', ownerRole: 'a', instruction: { refused: [] } } }),
      'recipients.2.fulfilment.instruction.refused: must hold at least one step',
    ],
    [
      'an empty step',
      (d) => Object.assign(at(d.recipients, 2), { fulfilment: { by: 'person', ownerRole: 'a', instruction: { refused: ['b', ' '] } } }),
      'recipients.2.fulfilment.instruction.refused.1: must be a step, as a text',
    ],
    [
      'steps for an erasure of which no clock is given',
      (d) =>
        Object.assign(at(d.recipients, 2), {
          fulfilment: { by: 'person', ownerRole: 'a', instruction: { refused: ['b'], erased: ['c'] } },
        }),
      /^recipients.2.fulfilment: says what to do at an erasure, and there is no clock/,
    ],
    [
      'an owner who is no role',
      (d) => Object.assign(at(d.recipients, 2), { fulfilment: { by: 'person', ownerRole: 'Ada Smith', instruction: { refused: ['b'] } } }),
      /^recipients.2.fulfilment.ownerRole: must be lower-case words/,
    ],
    [
      'a person who is not told of whom it is the duty',
      (d) => Object.assign(at(d.recipients, 2), { grants: [] }),
      /^recipients.2.grants: must name at least one identifier/,
    ],
    [
      'the duty of a person written as a connector',
      (d) => Object.assign(at(d.recipients, 0), { fulfilment: { by: 'connector', connector: 'manual' } }),
      /^recipients.0.fulfilment.connector: the duty of a person is written `by: person`/,
    ],
    [
      'nobody without a reason',
      (d) => Object.assign(at(d.recipients, 3), { fulfilment: { by: 'nobody' } }),
      /^recipients.3.fulfilment: "reason" is missing/,
    ],
    ['no fulfilment', (d) => Reflect.deleteProperty(at(d.recipients, 0), 'fulfilment'), /^recipients.0: "fulfilment" is missing/],
    [
      'a claim without a reason',
      (d) => Object.assign(d, { claims: [{ clause: '1', quote: 'x' }] }),
      'claims.0: "reason" is missing: a text',
    ],
    [
      'a list in place of a group',
      (d) => Object.assign(d, { recipients: [[]] }),
      /^recipients.0: must be a group of keys .*, and is a list$/,
    ],
    ['a group in place of a list', (d) => Object.assign(d, { purposes: {} }), /^purposes: must be a list, and is a group of keys$/],
  ])('with %s is refused at that place', (_, spoil, expected) => {
    expect(problems(spoil)).toContainEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected))
  })

  it('tells all its problems in one go', () => {
    expect(problems((d) => Object.assign(d, { version: 1, titel: 'x', evidenceMaxAgeDays: 'x' }))).toHaveLength(3)
  })

  it('of any shape is a policy or a list of problems, and never an exception', () => {
    for (const nothing of [undefined, null, 1, 'x', [], true])
      expect(parsePolicy(nothing)).toMatchObject({ ok: false, problems: [{ path: [] }] })
    fc.assert(
      fc.property(
        fc.object({
          key: fc.constantFrom('id', 'purposes', 'recipients', 'calendar', 'fulfilment', 'grants', '__proto__', 'x'),
          maxDepth: 4,
        }),
        (some) => {
          expect(parsePolicy({ ...aPolicyDocument(), ...some }).ok).toBeTypeOf('boolean')
        },
      ),
    )
  })

  it('with any one entry taken out or replaced is a policy or tells what is wrong', () => {
    fc.assert(
      fc.property(fc.nat(), fc.anything(), (which, other) => {
        const document = aPolicyDocument()
        const places: [Record<string, unknown>, string][] = []
        const walk = (value: unknown): void => {
          if (typeof value !== 'object' || value === null) return
          for (const name of Object.keys(value)) {
            places.push([value as Record<string, unknown>, name])
            walk((value as Record<string, unknown>)[name])
          }
        }
        walk(document)
        const [holder, name] = places[which % places.length] ?? [document, 'id']
        ;(holder as Record<string, unknown>)[name] = other
        const parsed = parsePolicy(document)
        if (!parsed.ok) expect(parsed.problems.length).toBeGreaterThan(0)
      }),
    )
  })
})

describe('a policy', () => {
  it('finds its purposes, topics and recipients', () => {
    expect(findPurpose(policy, key('mail/news'))?.key).toBe('mail')
    expect(findPurpose(policy, key('mail/unheard'))).toBeUndefined()
    expect(findPurpose(policy, key('constructor'))).toBeUndefined()
    expect(findRecipient(policy, recipient('paper'))?.title).toBe('A paper list')
    expect(findRecipient(policy, recipient('unheard'))).toBeUndefined()
    expect(policy.recipients.map(mustBeTold)).toEqual([true, true, true, false])
    const [mailer] = policy.recipients
    expect(mailer !== undefined && serves(mailer, key('mail/news'))).toBe(true)
    expect(mailer !== undefined && serves(mailer, key('ads'))).toBe(false)
  })
})

describe('a suggestion', () => {
  it('names the nearest word, and none where all are far', () => {
    const words = ['granted', 'denied', 'refusable']
    expect(suggestion('refuseable', words)).toBe(': did you mean "refusable"?')
    expect(suggestion('DENIED', words)).toBe(': did you mean "denied"?')
    expect(suggestion('dneied', words)).toBe(': did you mean "denied"?')
    expect(suggestion('banana', words)).toBe('')
    expect(suggestion('x'.repeat(10_000), words)).toBe('')
  })
})
