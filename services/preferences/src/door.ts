import { hash } from 'node:crypto'
import { choiceWords, evidenceKindWords, fromTimestamp, identifierKindWords, originWords } from '@heed/contracts'
import type { Evidence__Output } from '@heed/contracts/gen/heed/common/v1/Evidence.ts'
import type { Identifier__Output } from '@heed/contracts/gen/heed/common/v1/Identifier.ts'
import type { OriginKind__Output } from '@heed/contracts/gen/heed/common/v1/OriginKind.ts'
import type { PurposeChoice__Output } from '@heed/contracts/gen/heed/common/v1/PurposeChoice.ts'
import type { SubjectRef__Output } from '@heed/contracts/gen/heed/common/v1/SubjectRef.ts'
import {
  type Evidence,
  findPurpose,
  findRecipient,
  type Identifier,
  isReference,
  type Origin,
  type Policy,
  type PurposeKey,
  parseIdentifier,
  parsePurposeKey,
  parseRecipientId,
  parseSubjectId,
  type Recipient,
  type RequestedChoice,
  type SubjectId,
} from '@heed/domain'
import { type FieldViolation, GrpcFault } from '@heed/platform/grpc'
import { scrubText } from '@heed/platform/log'
import type { Vault } from './vault.ts'

/** Who is meant, checked: a subject id, or an identifier with the id under which it is looked up. */
export type PersonRef =
  | { readonly by: 'subject'; readonly subjectId: SubjectId }
  | { readonly by: 'identifier'; readonly identifier: Identifier; readonly lookupId: string }

/** The text of a person's reference in a request's hash: never the identifier itself. */
export function refText(ref: PersonRef): string {
  return ref.by === 'subject' ? ref.subjectId : ref.lookupId
}

/** What has to be known to read a request. */
export interface DoorContext {
  readonly policy: Policy
  readonly vault: Vault
}

const maxViolations = 20
const requestIdPattern = /^[A-Za-z0-9._:-]{1,128}$/
const referenceHint = 'use 1 to 128 letters, digits and . _ : - and no personal data'

/**
 * Reads the fields of one request and collects what is wrong with them; nothing is quoted. Ask `done` before anything read is used: it throws
 * INVALID_ARGUMENT with every fault found. The text of a broken encoding arrives with U+FFFD in it, and is refused as such.
 */
export class Door {
  readonly #violations: FieldViolation[] = []
  readonly #policy: Policy
  readonly #vault: Vault
  #reason: string | undefined

  constructor({ policy, vault }: DoorContext) {
    this.#policy = policy
    this.#vault = vault
  }

  refuse(field: string, description: string, reason?: string): undefined {
    // they travel in a trailer of a few kB
    if (this.#violations.length < maxViolations) this.#violations.push({ field, description })
    this.#reason ??= reason
    return undefined
  }

  /** @throws GrpcFault where something was refused; it names the first 20 faults. */
  done(): void {
    if (this.#violations.length > 0) throw GrpcFault.badRequest(this.#violations, this.#reason ?? 'BAD_REQUEST')
  }

  /** Between `least` and `most` items. Where it answers false the items are not to be read: there may be millions. */
  count(field: string, items: readonly unknown[], least: number, most: number): boolean {
    if (items.length >= least && items.length <= most) return true
    this.refuse(field, `${least} to ${most} are taken, ${items.length} were given`, items.length < least ? 'EMPTY' : 'TOO_MANY')
    return false
  }

  requestId(field: string, text: string): string {
    if (!requestIdPattern.test(text)) this.refuse(field, 'choose 1 to 128 letters, digits and . _ : - that no other request of yours has')
    return text
  }

  reference(field: string, text: string): string | undefined {
    if (text === '') return undefined
    if (!isReference(text)) this.refuse(field, referenceHint)
    return text
  }

  /** The name or staff id of somebody of the company: it is kept for ever, so no address, number or key may stand in it. */
  staff(field: string, given: string): string {
    const text = given.trim()
    if (text === '' || text.length > 128 || /\p{C}/u.test(text)) this.refuse(field, 'name who it is, in 1 to 128 characters')
    else if (scrubText(text) !== text)
      this.refuse(field, 'must not hold an e-mail address, a telephone number or a key: it is kept for ever')
    return text
  }

  purpose(field: string, text: string): PurposeKey | undefined {
    const key = parsePurposeKey(text)
    if (key !== undefined && findPurpose(this.#policy, key) !== undefined) return key
    return this.refuse(field, `the policy ${this.#policy.id} ${this.#policy.version} has no such purpose or topic`, 'UNKNOWN_PURPOSE')
  }

  recipient(field: string, text: string): Recipient | undefined {
    const id = parseRecipientId(text)
    const recipient = id === undefined ? undefined : findRecipient(this.#policy, id)
    return (
      recipient ?? this.refuse(field, `the policy ${this.#policy.id} ${this.#policy.version} names no such recipient`, 'UNKNOWN_RECIPIENT')
    )
  }

  subjectId(field: string, text: string): SubjectId | undefined {
    return parseSubjectId(text) ?? this.refuse(field, 'a subject id is s- and 26 letters and digits, as Heed gave it out')
  }

  identifier(field: string, given: Identifier__Output): (PersonRef & { by: 'identifier' }) | undefined {
    const kind = identifierKindWords.toDomain(given.kind)
    if (kind === undefined)
      return this.refuse(`${field}.kind`, 'name one of the kinds of heed.common.v1.IdentifierKind', 'UNKNOWN_IDENTIFIER_KIND')
    if (given.value.includes('\ufffd')) return this.refuse(`${field}.value`, 'the text is not UTF-8', 'MALFORMED_IDENTIFIER')
    const parsed = parseIdentifier(kind, given.value)
    if (!parsed.ok) return this.refuse(`${field}.value`, parsed.message, 'MALFORMED_IDENTIFIER')
    return { by: 'identifier', identifier: parsed.identifier, lookupId: this.#vault.lookupId(parsed.identifier) }
  }

  person(field: string, ref: SubjectRef__Output | null | undefined): PersonRef | undefined {
    if (ref?.ref === 'subjectId') {
      const subjectId = this.subjectId(`${field}.subject_id`, ref.subjectId ?? '')
      return subjectId === undefined ? undefined : { by: 'subject', subjectId }
    }
    if (ref?.ref === 'identifier' && ref.identifier) return this.identifier(`${field}.identifier`, ref.identifier)
    return this.refuse(field, 'say who is meant: a subject_id or an identifier', 'SUBJECT_MISSING')
  }

  /** Whether the policy knows a purpose and lets it be refused is the decision's to say. */
  choices(field: string, given: readonly PurposeChoice__Output[]): RequestedChoice[] {
    const requested: RequestedChoice[] = []
    if (!this.count(field, given, 1, 64)) return requested
    for (const [index, { purpose, choice }] of given.entries()) {
      const key = this.purpose(`${field}[${index}].purpose`, purpose)
      const word = choiceWords.toDomain(choice)
      if (word === undefined) this.refuse(`${field}[${index}].choice`, 'choose CHOICE_GRANTED or CHOICE_DENIED', 'UNKNOWN_CHOICE')
      if (key !== undefined && word !== undefined) requested.push({ key, choice: word })
    }
    return requested
  }

  evidence(field: string, given: Evidence__Output | null): Evidence | undefined {
    if (given === null) return undefined
    const kind = evidenceKindWords.toDomain(given.kind)
    const collectedAt = fromTimestamp(given.collectedAt)
    if (kind === undefined) this.refuse(`${field}.kind`, 'name one of the kinds of heed.common.v1.EvidenceKind')
    if (!isReference(given.reference)) this.refuse(`${field}.reference`, referenceHint)
    // a time that no calendar has would break the journal's own dates
    if (collectedAt === undefined || collectedAt < 0 || collectedAt > 8.64e15) {
      this.refuse(`${field}.collected_at`, 'say when the person gave it')
      return undefined
    }
    return kind === undefined ? undefined : { kind, reference: given.reference, collectedAt }
  }

  origin(field: string, kind: OriginKind__Output, caller: string, reference: string | undefined): Origin {
    const word = originWords.toDomain(kind)
    if (word === undefined) this.refuse(field, 'name one of the kinds of heed.common.v1.OriginKind', 'UNKNOWN_ORIGIN')
    return { kind: word ?? 'unknown', caller, ...(reference === undefined ? {} : { reference }) }
  }
}

/** A short hash of what a request asks for: the same body gives the same text. Holds no identifier, only its keyed hash. */
export function bodyHash(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url').slice(0, 22)
}

/** The row id that stands for a request: one change at most bears it. */
export function requestRowId(caller: string, requestId: string): string {
  return `${caller}:${requestId}`
}
