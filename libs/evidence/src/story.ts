import { type DeliveryState, isSettled, newStanding, nextStanding, type Outcome, type Standing } from '@heed/domain'
import { type AttemptFacts, attemptFacts, type ChangeFacts, changeFacts, disclosureFacts, type ReadEntry, requestFacts } from './facts.ts'

/** One thing that happened, in words. */
export interface Step {
  readonly sequence: number
  /** ms since the epoch, by the clock of whoever told of it. */
  readonly at: number
  readonly words: string
}

/** How sure it is that a recipient holds what it was told: only the first two are the recipient's own word for it. */
export type Certainty = 'read back' | 'confirmed' | 'taken, nothing more is known' | 'not owed' | 'a person answers for it' | 'open'

/** What became of one recipient's part of a change. */
export interface ToldRecipient {
  readonly recipient: string
  readonly subject: string
  readonly version: number
  readonly steps: readonly Step[]
  readonly state: DeliveryState
  readonly certainty: Certainty
  /** Why it is not certain, in words; empty where it is. */
  readonly because: string
  readonly deadlineAt?: number
  /** When the duty ended; absent while it is open. */
  readonly endedAt?: number
}

/** One accepted change and whom it was told to. */
export interface ToldChange extends Step {
  readonly subject: string
  readonly version: number
  readonly facts: ChangeFacts
  readonly by: string
  readonly policy: string
  readonly recipients: readonly ToldRecipient[]
}

/** What a bundle tells, for people. */
export interface Story {
  readonly changes: readonly ToldChange[]
  /** Deliveries whose change is not in the bundle. */
  readonly deliveries: readonly ToldRecipient[]
  /** Everything else, in the order of the log. */
  readonly others: readonly Step[]
}

/** The story of these entries. Of entries with the same subject, version and recipient it makes one recipient's part. */
export function storyOf(entries: readonly ReadEntry[]): Story {
  const parts = new Map<string, ReadEntry[]>()
  const others: Step[] = []
  const changes: ReadEntry[] = []
  for (const entry of entries) {
    const { kind, subject, recipient, version } = entry.leaf
    if (kind === 'change-accepted') changes.push(entry)
    else if (subject !== undefined && recipient !== undefined && version !== undefined) {
      const key = `${subject}/${version}/${recipient}`
      parts.set(key, [...(parts.get(key) ?? []), entry])
    } else others.push(stepOf(entry))
  }
  const told = [...parts.values()]
    .map(recipientOf)
    .sort((a, b) => (a.recipient < b.recipient ? -1 : a.recipient > b.recipient ? 1 : a.version - b.version))
  const toldChanges = changes.flatMap((entry) => {
    const { leaf, sequence } = entry
    const facts = changeFacts(leaf)
    const { subject = '', version = 0, policy = '' } = leaf
    const recipients = told.filter((part) => part.subject === subject && part.version === version)
    return facts === undefined
      ? []
      : [{ sequence, at: leaf.at, words: changeWords(facts), subject, version, facts, by: leaf.by, policy, recipients }]
  })
  const claimed = new Set(toldChanges.flatMap(({ recipients }) => recipients))
  return { changes: toldChanges, deliveries: told.filter((part) => !claimed.has(part)), others }
}

function recipientOf(entries: readonly ReadEntry[]): ToldRecipient {
  const [first] = entries
  let standing: Standing = newStanding()
  let last: AttemptFacts | undefined
  let deadlineAt: number | undefined
  let endedAt: number | undefined
  let resolved = false
  for (const { leaf } of entries) {
    const asked = requestFacts(leaf)
    const tried = attemptFacts(leaf)
    if (asked !== undefined) {
      standing = nextStanding(standing, { assertion: asked.assertion })
      if (asked.assertion === standing.assertion) deadlineAt = asked.deadlineAt
    } else if (tried !== undefined) {
      if (tried.assertion > standing.assertion) endedAt = undefined
      standing = nextStanding(standing, tried)
      last = tried
    } else if (leaf.kind === 'delivery-resolved') resolved = true
    const isOver = isSettled(standing.state, standing.final) || resolved
    endedAt = isOver ? (endedAt ?? leaf.at) : undefined
  }
  const state: DeliveryState = resolved && !isSettled(standing.state, standing.final) ? 'resolved' : standing.state
  const { certainty, because } = certaintyOf(state, standing.final, last)
  return {
    recipient: first?.leaf.recipient ?? '',
    subject: first?.leaf.subject ?? '',
    version: first?.leaf.version ?? 0,
    steps: entries.map(stepOf),
    state,
    certainty,
    because,
    ...(deadlineAt === undefined ? {} : { deadlineAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
  }
}

function certaintyOf(state: DeliveryState, final: boolean, last: AttemptFacts | undefined): { certainty: Certainty; because: string } {
  switch (state) {
    case 'verified':
      return { certainty: 'read back', because: '' }
    case 'confirmed':
      return { certainty: 'confirmed', because: '' }
    case 'accepted':
      return final
        ? { certainty: 'taken, nothing more is known', because: 'the recipient takes such requests and never says what became of them' }
        : { certainty: 'open', because: 'the recipient took it and has not answered yet' }
    case 'superseded':
      return { certainty: 'not owed', because: 'a newer choice of the person took its place' }
    case 'not_applicable':
      return { certainty: 'not owed', because: last === undefined ? 'there is nothing to tell' : reasonWords(last.outcome) }
    case 'resolved':
      return { certainty: 'a person answers for it', because: 'a named person of the company ended it; who and why is bound to the entry' }
    case 'needs_person':
      return { certainty: 'open', because: `a person has to look at it${last === undefined ? '' : `: ${reasonWords(last.outcome)}`}` }
    case 'pending':
      return { certainty: 'open', because: last === undefined ? 'it has not been tried yet' : waitWords(last) }
    default:
      return state satisfies never
  }
}

function waitWords({ outcome, waitReason, nextTryAt }: AttemptFacts): string {
  const why = waitReason === undefined ? reasonWords(outcome) : `${waitReason.replaceAll('_', ' ')} (${reasonWords(outcome)})`
  return nextTryAt === undefined ? why : `${why}; next try ${timeWords(nextTryAt)}`
}

function reasonWords(outcome: Outcome): string {
  return 'reason' in outcome ? outcome.reason : outcome.kind
}

function changeWords({ cause, changed, choices, linked, origin }: ChangeFacts): string {
  const said = changed.map((key) => `${key} ${choices[key]?.choice ?? 'unset'}`).join(', ')
  const identifiers = linked.length === 0 ? '' : `; identifiers that came in: ${linked.join(', ')}`
  switch (cause) {
    case 'choice':
      return `accepted: ${said || 'nothing by name'}${identifiers}; said by: ${origin}`
    case 'identifiers-linked':
      return `identifiers linked: ${linked.join(', ')}${said === '' ? '' : `; ${said}`}`
    case 'merged':
      return `found to be one person with another subject${said === '' ? '' : `: ${said}`}`
    case 'erasure':
      return 'erasure asked for'
    default:
      return cause satisfies never
  }
}

function stepOf({ sequence, leaf }: ReadEntry): Step {
  return { sequence, at: leaf.at, words: wordsOf(leaf) }
}

function wordsOf(leaf: ReadEntry['leaf']): string {
  const { kind, recipient, by } = leaf
  const change = changeFacts(leaf)
  if (change !== undefined) return changeWords(change)
  const asked = requestFacts(leaf)
  if (asked !== undefined) {
    const wanted = Object.entries(asked.wanted).map(([key, choice]) => `${key} ${choice}`)
    const what = asked.kind === 'erasure' ? 'must erase' : `must hold: ${wanted.join(', ')}`
    return `${what}; until ${timeWords(asked.deadlineAt)}${asked.assertion === 0 ? '' : '; asked for once more'}`
  }
  const shown = disclosureFacts(leaf)
  if (shown !== undefined) {
    const kinds = shown.identifiers.map(({ kind: name, form, count }) => `${count} ${name} as ${form}`).join(', ')
    return `handed to ${recipient ?? 'nobody'} under the policy ${leaf.policy ?? ''}: ${kinds || 'nothing'}`
  }
  const tried = attemptFacts(leaf)
  if (tried !== undefined) return attemptWords(tried)
  return `${kind.replaceAll('-', ' ')}${recipient === undefined ? '' : ` (${recipient})`}, by ${by}`
}

function attemptWords(facts: AttemptFacts): string {
  const { outcome, attempt } = facts
  switch (outcome.kind) {
    case 'confirmed':
      return 'the recipient confirmed that it holds this'
    case 'verified':
      return 'read back from the recipient: it holds this'
    case 'accepted':
      return outcome.final ? 'the recipient took it; it never says more' : 'the recipient took it; its answer is awaited'
    case 'deferred':
      return `attempt ${attempt} did not get through: ${waitWords(facts)}`
    case 'rejected':
      return `attempt ${attempt} was refused: ${reasonWords(outcome)}`
    case 'notApplicable':
      return `nothing to tell this recipient: ${reasonWords(outcome)}`
    case 'superseded':
      return `version ${outcome.by} took its place`
    case 'resolved':
      return 'a named person ended it'
    default:
      return outcome satisfies never
  }
}

/** A time as people read it, in UTC with milliseconds: `2026-11-23 10:02:11.123`. */
export function timeWords(at: number): string {
  return timeText(at).replace('T', ' ').replace('Z', '')
}

/** A time by ISO 8601; one that no calendar has, as its number. */
export function timeText(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString()
}
