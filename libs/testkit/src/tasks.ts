import { createHash } from 'node:crypto'
import type { ResolvedIdentifier, Task } from '@heed/connector-kit'
import {
  type Choice,
  deliveryIdOf,
  deriveForm,
  type Evidence,
  type IdentifierForm,
  type PurposeKey,
  parsePurposeKey,
  parseRecipientId,
  type RecipientId,
  type SubjectId,
  subjectIdOf,
} from '@heed/domain'

/** What a built task may have of its own. */
export interface TaskOptions extends Partial<Omit<Task, 'deliveryId' | 'recipientId' | 'wanted' | 'changed' | 'evidence'>> {
  recipientId?: string
  /** The keys that are asked for; `email-marketing` unless told. */
  purposes?: readonly string[]
  /** Every key that must hold, where some differ from those asked for. */
  wanted?: Readonly<Record<string, Choice>>
  /** The form in which the address is handed over; `raw` unless told. `identifiers` goes before it. */
  form?: IdentifierForm
  evidence?: Readonly<Record<string, Evidence>>
}

/** The moment at which built tasks were accepted: 2026-03-01T09:30:00Z. */
export const exampleTime = Date.UTC(2026, 2, 1, 9, 30)

/** Always the same subject for the same text, so that a failed test can be run again. */
export function subjectNamed(text: string): SubjectId {
  return subjectIdOf(createHash('sha256').update(text).digest().subarray(0, 16))
}

/** The key, checked. */
export function purposeKey(text: string): PurposeKey {
  const key = parsePurposeKey(text)
  if (key === undefined) throw new RangeError(`${text} is no purpose key`)
  return key
}

/** The id, checked. */
export function recipientId(text: string): RecipientId {
  const id = parseRecipientId(text)
  if (id === undefined) throw new RangeError(`${text} is no recipient id`)
  return id
}

/** An address as a connector gets it: one identifier for each text that the form has. */
export function emailIdentifiers(address: string, form: IdentifierForm = 'raw'): ResolvedIdentifier[] {
  return deriveForm('email', address, form, (name, text) => createHash(name).update(text).digest()).map((value, index) => ({
    kind: 'email',
    form,
    value,
    ...(index === 0 ? {} : { former: true }),
  }))
}

function build(address: string, choice: Choice, options: TaskOptions): Task {
  const { recipientId: recipient = 'mailchimp', purposes = ['email-marketing'], wanted, form = 'raw', evidence = {}, ...rest } = options
  const subjectId = options.subjectId ?? subjectNamed(address)
  const version = options.version ?? 1
  return {
    deliveryId: deliveryIdOf(recipientId(recipient), subjectId, version),
    recipientId: recipientId(recipient),
    subjectId,
    version,
    assertion: 0,
    kind: 'preference',
    changed: purposes.map(purposeKey),
    identifiers: emailIdentifiers(address, form),
    acceptedAt: exampleTime,
    unknownBefore: false,
    ...rest,
    wanted: wanted ?? Object.fromEntries(purposes.map((purpose) => [purposeKey(purpose), choice])),
    evidence,
  }
}

/** A person who says stop: `anOptOut('ada@example.org', { purposes: ['email-marketing/offers'] })`. */
export function anOptOut(address: string, options: TaskOptions = {}): Task {
  return build(address, 'denied', options)
}

/** A person who said yes on a form half an hour before. */
export function anOptIn(address: string, options: TaskOptions = {}): Task {
  const { purposes = ['email-marketing'] } = options
  const said: Evidence = { kind: 'form', reference: 'form-2026-03', collectedAt: exampleTime - 30 * 60_000 }
  return build(address, 'granted', { evidence: Object.fromEntries(purposes.map((purpose) => [purpose, said])), ...options })
}

/** A person whom the recipient is to forget. */
export function anErasure(address: string, options: TaskOptions = {}): Task {
  return build(address, 'denied', { kind: 'erasure', ...options })
}
