import {
  findRecipient,
  isReference,
  mustBeTold,
  type Policy,
  parseDeliveryId,
  parseRecipientId,
  parseSubjectId,
  type RecipientId,
  type SubjectId,
} from '@heed/domain'
import { type FieldViolation, GrpcFault } from '@heed/platform/grpc'
import { scrubText } from '@heed/platform/log'

const longestText = 500
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Reads the fields of a request and gathers everything that is wrong with it. What a wrong field gives is never used: `done` throws before. */
export class Validation {
  readonly #policy: Policy
  readonly #violations: FieldViolation[] = []

  constructor(policy: Policy) {
    this.#policy = policy
  }

  /** Throws INVALID_ARGUMENT with every field that was wrong. */
  done(): void {
    if (this.#violations.length > 0) throw GrpcFault.badRequest(this.#violations)
  }

  /** Notes that a field is wrong. */
  refuse(field: string, description: string): void {
    this.#violations.push({ field, description })
  }

  /** A recipient that somebody has to tell. */
  recipient(field: string, text: string): RecipientId | undefined {
    const id = parseRecipientId(text)
    const recipient = id === undefined ? undefined : findRecipient(this.#policy, id)
    if (recipient === undefined) {
      const known = this.#policy.recipients.filter(mustBeTold).map((one) => one.id)
      this.refuse(field, `must be a recipient of the policy: ${known.join(', ')}`)
    } else if (!mustBeTold(recipient)) {
      this.refuse(field, 'nobody tells this recipient anything: the policy says why')
    }
    return recipient?.id
  }

  subject(field: string, text: string): SubjectId | undefined {
    const id = parseSubjectId(text)
    if (id === undefined) this.refuse(field, 'must be a subject id: s- and 26 characters')
    return id
  }

  /** A delivery id of a recipient that somebody has to tell. */
  delivery(field: string, text: string): ReturnType<typeof parseDeliveryId> {
    const parts = parseDeliveryId(text)
    if (parts === undefined) this.refuse(field, 'must be <recipient>/<subject id>/<version>')
    else this.recipient(field, parts.recipientId)
    return parts
  }

  backfill(field: string, text: string): string {
    if (!uuid.test(text)) this.refuse(field, 'must be the id of a backfill, as StartBackfill and ListBackfills give it')
    return text
  }

  /** Where the proof of something is: a reference, never a sentence. Undefined where it is empty and not needed. */
  evidence(field: string, text: string, { needed }: { readonly needed: boolean }): string | undefined {
    if (text === '' && !needed) return undefined
    if (text === '') this.refuse(field, 'the policy makes this the duty of a person: say where the proof is that it was done')
    else if (!isReference(text))
      this.refuse(field, 'must be a reference of 1 to 128 letters, digits and . _ : - (a ticket, the number of an import)')
    return text
  }

  /** A text for the trail: it says something, and gives nobody away. */
  text(field: string, given: string, longest = longestText): string {
    const text = given.trim()
    if (text === '') this.refuse(field, 'must say something: it goes into the trail')
    else if (text.length > longest) this.refuse(field, `must have at most ${longest} characters`)
    else if (/\p{C}/u.test(text)) this.refuse(field, 'must be one line without control characters')
    // the trail is kept for ever
    else if (scrubText(text) !== text)
      this.refuse(field, 'must not hold an e-mail address, a telephone number or a key: it is kept for ever')
    return text
  }
}
