import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Policy, Snapshot } from './index.ts'
import { deliveriesFor, diffPolicies, mayUse, mustBeToldAnew, parsePolicy, recipientsToldAnew } from './index.ts'
import { ada, after, aPolicyDocument, key, monday, person, policy, recipient } from './test-policy.ts'

type Document = ReturnType<typeof aPolicyDocument>

/** The small policy, changed. */
function changed(change: (document: Document) => void): Policy {
  const document = aPolicyDocument()
  change(document)
  const parsed = parsePolicy(document)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.policy
}

const at = (document: Document, id: string): Record<string, unknown> => {
  const found = document.recipients.find((one) => one.id === id)
  if (found === undefined) throw new Error(id)
  return found
}
const without = (id: string) =>
  changed(
    (document) =>
      void document.recipients.splice(
        document.recipients.findIndex((one) => one.id === id),
        1,
      ),
  )
const noMail: Snapshot = after(['-mail'])
const noAds: Snapshot = after(['-ads'])

/** The recipients that have to be told of this subject again. */
const told = (before: Policy, then: Policy, snapshot: Snapshot) =>
  then.recipients.map(({ id }) => id).filter((id) => mustBeToldAnew(before, then, id, snapshot))

describe('two policies', () => {
  it('do not differ where only the order of keys does', () => {
    expect(
      diffPolicies(
        policy,
        changed(() => undefined),
      ),
    ).toEqual({ purposes: [], recipients: [] })
    const settings = (value: unknown) =>
      changed((d) => Object.assign(at(d, 'mailer'), { fulfilment: { by: 'connector', connector: 'x', settings: value } }))
    expect(diffPolicies(settings({ a: 1, b: { c: 2, d: [3] } }), settings({ b: { d: [3], c: 2 }, a: 1 })).recipients).toEqual([])
  })

  it('differ in who came, who went and what changed, aspect by aspect', () => {
    const then = changed((d) => {
      d.recipients.splice(1, 1)
      Object.assign(at(d, 'paper'), {
        purposes: ['mail', 'ads'],
        grants: [{ kind: 'phone', form: 'raw' }],
        deadline: { hours: 5 },
        title: 'Paper',
      })
      Object.assign(at(d, 'mailer'), { fulfilment: { by: 'connector', connector: 'mailchimp', settings: { audiences: ['l1', 'l2'] } } })
      d.recipients.push({ ...structuredClone(at(d, 'mailer')), id: 'second-mailer', title: 'Second' } as never)
      d.purposes.push({ ...structuredClone(d.purposes[1]), key: 'maps', title: 'Maps' } as never)
      Object.assign(d.purposes[0] ?? {}, { default: 'denied' })
    })
    expect(diffPolicies(policy, then)).toEqual({
      purposes: [
        { id: 'mail', title: 'Mail', change: 'changed', differences: [{ aspect: 'default', removed: ['granted'], added: ['denied'] }] },
        { id: 'maps', title: 'Maps', change: 'added', differences: [] },
      ],
      recipients: [
        {
          id: 'mailer',
          title: 'Mailer',
          change: 'changed',
          differences: [{ aspect: 'settings', removed: ['audiences'], added: ['audiences'] }],
        },
        {
          id: 'paper',
          title: 'Paper',
          change: 'changed',
          differences: [
            { aspect: 'purposes', removed: [], added: ['ads'] },
            { aspect: 'identifiers', removed: ['email (raw)'], added: ['phone (raw)'] },
            { aspect: 'deadline', removed: ['2 business days'], added: ['5 hours'] },
            { aspect: 'wording', removed: [], added: [] },
          ],
        },
        { id: 'second-mailer', title: 'Second', change: 'added', differences: [] },
        { id: 'ad-house', title: 'Ad house', change: 'removed', differences: [] },
      ],
    })
  })
})

describe('who has to be told again', () => {
  it('is nobody where a policy took its own place, or only words and clocks changed', () => {
    const words = changed((d) =>
      Object.assign(at(d, 'mailer'), { title: 'Mail house', deadline: { hours: 1 }, erasure: { hours: 2 }, quote: 'Else.' }),
    )
    for (const then of [policy, words]) {
      expect(recipientsToldAnew(policy, then)).toEqual([])
      for (const snapshot of [noMail, noAds, after(['+profiling'])]) expect(told(policy, then, snapshot)).toEqual([])
    }
  })

  it('is a recipient that was added, of everybody who has said something that it serves', () => {
    const before = without('ad-house')
    expect(recipientsToldAnew(before, policy)).toEqual(['ad-house'])
    expect(told(before, policy, noAds)).toEqual(['ad-house'])
    expect(told(before, policy, noMail)).toEqual([])
  })

  it('is a recipient to which a purpose moved, of those who have said something about it, and not the one that it left', () => {
    const before = changed((d) => Object.assign(at(d, 'paper'), { purposes: ['mail', 'ads'] }))
    const then = changed((d) => Object.assign(at(d, 'mailer'), { purposes: ['mail', 'receipts', 'ads'] }))
    expect(recipientsToldAnew(before, then)).toEqual(['mailer'])
    expect(told(before, then, noAds)).toEqual(['mailer'])
    // what she said about mail, the mailer knows
    expect(told(before, then, noMail)).toEqual([])
    expect(told(before, then, after(['-mail'], ['-ads']))).toEqual(['mailer'])
  })

  it('is a recipient that serves something more that counts as refused while nothing is said', () => {
    const then = changed((d) => Object.assign(at(d, 'mailer'), { purposes: ['mail', 'profiling'] }))
    expect(told(policy, then, noMail)).toEqual(['mailer'])
  })

  it('is whoever is told by another identifier, or elsewhere, of everybody', () => {
    const more = changed((d) =>
      Object.assign(at(d, 'mailer'), {
        grants: [
          { kind: 'email', form: 'raw' },
          { kind: 'phone', form: 'raw' },
        ],
      }),
    )
    const elsewhere = changed((d) =>
      Object.assign(at(d, 'mailer'), { fulfilment: { by: 'connector', connector: 'mailchimp', settings: { audiences: ['l1', 'l2'] } } }),
    )
    for (const then of [more, elsewhere]) expect(told(policy, then, noMail)).toEqual(['mailer'])
    const fewer = changed((d) => Object.assign(at(d, 'mailer'), { grants: [{ kind: 'phone', form: 'raw' }] }))
    expect(told(more, fewer, noMail)).toEqual([])
  })

  it('is nobody by an entry that is gone or retired: what it was owed last stays owed', () => {
    const retired = changed((d) => Object.assign(at(d, 'mailer'), { retired: { since: '2026-11-23', why: 'We mail ourselves now.' } }))
    for (const then of [without('mailer'), retired]) {
      expect(recipientsToldAnew(policy, then)).toEqual([])
      expect(told(policy, then, noMail)).toEqual([])
    }
    // and told of everybody again, should it come back
    expect(told(retired, policy, noMail)).toEqual(['mailer'])
  })

  it('never leaves out a recipient of which some subject has to be told', () => {
    const ids = ['mailer', 'ad-house', 'paper'] as const
    const purposes = ['mail', 'ads', 'profiling', 'receipts'] as const
    const aPolicy = fc
      .record(
        Object.fromEntries(ids.map((id) => [id, fc.uniqueArray(fc.constantFrom(...purposes), { minLength: 1 })])) as Record<
          string,
          fc.Arbitrary<string[]>
        >,
      )
      .map((served) => changed((d) => ids.forEach((id) => void Object.assign(at(d, id), { purposes: served[id] }))))
    const snapshots = [noMail, noAds, after(['+profiling']), after(['-mail/news']), after(['-mail'], ['-profiling'])]
    fc.assert(
      fc.property(aPolicy, aPolicy, fc.constantFrom(...snapshots), (before, then, snapshot) => {
        const possible = recipientsToldAnew(before, then)
        for (const id of told(before, then, snapshot)) expect(possible).toContain(id)
        // whoever has to be told gets a delivery when everything is asserted again
        const change = {
          id: `${ada}/1`,
          snapshot,
          cause: 'choice',
          changed: [],
          linked: [],
          origin: person,
          policyVersion: '1',
          acceptedAt: monday,
        } as const
        const deliveries = deliveriesFor(then, change as never, { all: true, assertion: 1 }).map(({ recipientId }) => recipientId)
        for (const id of told(before, then, snapshot)) expect(deliveries).toContain(id)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a recipient that is retired', () => {
  const retired = changed((d) => Object.assign(at(d, 'mailer'), { retired: { since: '2026-11-23', why: 'We mail ourselves now.' } }))
  const change = (snapshot: Snapshot, texts: readonly string[]) =>
    ({
      id: `${ada}/1`,
      snapshot,
      cause: 'choice',
      changed: texts.map(key),
      linked: [],
      origin: person,
      policyVersion: '1',
      acceptedAt: monday,
    }) as never

  it('is still told of a refusal, and of no consent', () => {
    const ids = (snapshot: Snapshot) => deliveriesFor(retired, change(snapshot, ['mail'])).map(({ recipientId }) => recipientId)
    expect(ids(noMail)).toEqual(['mailer', 'paper'])
    expect(ids(after(['-mail'], ['+mail']))).toEqual(['paper'])
  })

  it('may use nobody any more', () => {
    expect(mayUse(retired, after(['+mail']), { recipientId: recipient('mailer'), purpose: key('mail') })).toEqual({
      allowed: false,
      reason: 'not_served',
      deniedPurposes: [],
    })
  })

  it('says since when and why, and nobody who is not told is retired', () => {
    const problems = (spoil: (document: Document) => void) => {
      const document = aPolicyDocument()
      spoil(document)
      const parsed = parsePolicy(document)
      return parsed.ok ? [] : parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
    }
    expect(problems((d) => Object.assign(at(d, 'mailer'), { retired: { since: 'today' } }))).toEqual([
      'recipients.0.retired.since: must be a day of the calendar, as YYYY-MM-DD',
      'recipients.0.retired: "why" is missing: a text',
    ])
    expect(problems((d) => Object.assign(at(d, 'bank'), { retired: { since: '2026-11-23', why: 'x' } }))).toEqual([
      'recipients.3.retired: nobody has to be told here: take the recipient out',
    ])
  })
})
