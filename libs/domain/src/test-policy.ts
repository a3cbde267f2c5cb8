import type { Evidence, Origin, Snapshot } from './choice.ts'
import type { ChangeInput, Decision } from './decide-change.ts'
import { decideChange } from './decide-change.ts'
import type { PurposeKey, RecipientId, SubjectId } from './ids.ts'
import { subjectIdOf } from './ids.ts'
import { parsePolicy } from './parse-policy.ts'
import type { Policy } from './policy.ts'
import { emptySnapshot } from './snapshot.ts'

/** A small policy document that is right, for the tests of this room; a new one at each call, so that a test may spoil it. */
export function aPolicyDocument() {
  const words = { clause: '5', quote: 'You can stop it.' }
  const grants = [{ kind: 'email', form: 'raw' }]
  const deadline: Record<string, unknown> = { hours: 24 }
  const connector: Record<string, unknown> = { by: 'connector', connector: 'mailchimp', settings: { audiences: ['l1'] } }
  return {
    id: 'small',
    version: '1',
    title: 'A small policy',
    effectiveFrom: '2026-01-01',
    calendar: { utcOffsetMinutes: 0, holidays: ['2026-12-25'] },
    evidenceMaxAgeDays: 30,
    purposes: [
      {
        key: 'mail',
        title: 'Mail',
        ...words,
        refusable: true,
        default: 'granted',
        topics: [
          { key: 'mail/news', title: 'News' },
          { key: 'mail/offers', title: 'Offers' },
        ],
      },
      { key: 'ads', title: 'Ads', ...words, refusable: true, default: 'granted' },
      {
        key: 'profiling',
        title: 'Profiling',
        ...words,
        refusable: true,
        default: 'denied',
        topics: [{ key: 'profiling/deep', title: 'Deep' }],
      },
      { key: 'receipts', title: 'Receipts', ...words, refusable: false, default: 'granted' },
    ],
    recipients: [
      {
        id: 'mailer',
        title: 'Mailer',
        role: 'processor',
        ...words,
        purposes: ['mail', 'receipts'],
        grants,
        deadline,
        erasure: { hours: 240, why: 'It is told last.' },
        fulfilment: connector,
      },
      {
        id: 'ad-house',
        title: 'Ad house',
        role: 'controller',
        ...words,
        purposes: ['ads', 'profiling'],
        grants,
        deadline,
        fulfilment: connector,
      },
      {
        id: 'paper',
        title: 'A paper list',
        role: 'processor',
        ...words,
        purposes: ['mail'],
        grants,
        deadline: { businessDays: 2 },
        fulfilment: { by: 'person', ownerRole: 'office', instruction: { refused: ['Cross it out.'] } },
      },
      {
        id: 'bank',
        title: 'Bank',
        role: 'controller',
        ...words,
        purposes: ['receipts', 'mail'],
        grants: [],
        fulfilment: { by: 'nobody', reason: 'It mails nobody.' },
      },
    ],
  }
}

function parsed(): Policy {
  const result = parsePolicy(aPolicyDocument())
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.policy
}

/** The policy of `aPolicyDocument`. */
export const policy = parsed()

export const aDayMs = 86_400_000
/** A Monday, noon UTC. */
export const monday = Date.UTC(2026, 10, 23, 12)
export const ada: SubjectId = subjectIdOf(new Uint8Array(16))
export const bob: SubjectId = subjectIdOf(new Uint8Array(16).fill(255))

/** A purpose key of the small policy, or one that it does not know. */
export const key = (text: string): PurposeKey => text as PurposeKey
export const recipient = (text: string): RecipientId => text as RecipientId

export const person: Origin = { kind: 'person', caller: 'shop' }

/** Evidence of an opt-in that was given at that time. */
export function evidenceAt(collectedAt: number): Evidence {
  return { kind: 'form', reference: 'form:7', collectedAt }
}

/** `-mail` denies, `+mail` grants. */
export function wishes(...texts: string[]): ChangeInput['requested'] {
  return texts.map((text) => ({ key: key(text.slice(1)), choice: text.startsWith('+') ? 'granted' : 'denied' }))
}

/** What the decision is about these wishes, with the rest of the input as given or sensible. */
export function decide(texts: readonly string[], rest: Partial<ChangeInput> = {}): Decision {
  return decideChange({ policy, current: emptySnapshot(ada), requested: wishes(...texts), origin: person, now: monday, ...rest })
}

/** The snapshot after these decisions, each with fresh evidence; a decision that is not `changed` is a fault of the test. */
export function after(...steps: readonly (readonly string[])[]): Snapshot {
  let current = emptySnapshot(ada)
  for (const [index, step] of steps.entries()) {
    const now = monday - aDayMs + index * 1000
    const decision = decide(step, { current, now, evidence: evidenceAt(now - 1) })
    if (decision.kind !== 'changed') throw new Error(`the test expects a change: ${JSON.stringify(decision)}`)
    current = decision.change.snapshot
  }
  return current
}
