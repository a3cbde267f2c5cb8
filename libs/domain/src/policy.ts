import type { Choice } from './choice.ts'
import type { IdentifierKind } from './identifier.ts'
import type { PurposeKey, RecipientId } from './ids.ts'

/** Words of the prose policy beside the main quotation of an entry. */
export interface Quotation {
  readonly clause: string
  readonly quote: string
}

/** Words of the prose for which nobody has to be told, and why that is so. */
export interface Claim extends Quotation {
  readonly reason: string
}

/** What personal data are used for, as a clause of the privacy policy names it. */
export interface Purpose {
  readonly key: PurposeKey
  readonly title: string
  /** The section of the prose policy, e.g. `5`. */
  readonly clause: string
  /** The sentence of the prose that it comes from, word for word. */
  readonly quote: string
  /** False where the policy says that nobody can refuse it (service mail, payment, law). */
  readonly refusable: boolean
  /** What holds for a subject who has chosen nothing. */
  readonly default: Choice
  /** Narrower lists within the purpose, each a choice of its own. */
  readonly topics: readonly { readonly key: PurposeKey; readonly title: string }[]
  /** Further sentences of the prose that speak of it. */
  readonly also?: readonly Quotation[]
}

/**
 * How long a recipient may take: elapsed hours, or business days of the policy's calendar; `why` names the rule that the time comes from.
 * A recipient that nobody has to tell has `{ hours: 0 }`: no clock runs for it.
 */
export type DeadlineRule = { readonly hours: number; readonly why?: string } | { readonly businessDays: number; readonly why?: string }

/** What a person has to do, step by step, so that a recipient comes to hold what is wanted. */
export interface Instruction {
  /** Where any purpose that the recipient serves is refused. */
  readonly refused: readonly string[]
  /** Where the person consented and nothing is refused any more; absent where nothing has to be done then. */
  readonly granted?: readonly string[]
  /** Where everything about the person is to be erased; the same as `refused` where absent. */
  readonly erased?: readonly string[]
}

/** Whose duty it is to bring a recipient to the wanted state. */
export type Fulfilment =
  | { readonly by: 'connector'; readonly connector: string; readonly settings: Readonly<Record<string, unknown>> }
  | { readonly by: 'person'; readonly ownerRole: string; readonly instruction: Instruction }
  | { readonly by: 'nobody'; readonly reason: string }

/** The form in which an identifier is handed over: as it is, or as one named hash profile. */
export type IdentifierForm = 'raw' | (string & {})

/** One identifier that the policy grants a recipient, and in which form. */
export interface Grant {
  readonly kind: IdentifierKind
  readonly form: IdentifierForm
}

/** A party that the privacy policy names. */
export interface Recipient {
  readonly id: RecipientId
  readonly title: string
  readonly role: 'processor' | 'controller' | 'joint-controller'
  readonly clause: string
  readonly quote: string
  /** The purposes (never topics) that it serves. */
  readonly purposes: readonly PurposeKey[]
  readonly grants: readonly Grant[]
  readonly deadline: DeadlineRule
  /** Set where the recipient can be told to erase a person, which is more than to stop: how long it may take for that. */
  readonly erasure?: DeadlineRule
  readonly fulfilment: Fulfilment
  /**
   * Set once the prose names it no more while it may still hold somebody: nobody is used for it any longer, and it is still told of every refusal and erasure,
   * so that what it was owed last is not lost.
   */
  readonly retired?: { readonly since: string; readonly why: string }
  /** Further sentences of the prose that speak of it. */
  readonly also?: readonly Quotation[]
}

/** The days that are no business days beside Saturday and Sunday, as `YYYY-MM-DD`, and how days are counted. */
export interface BusinessCalendar {
  /** Minutes east of UTC that decide where a day begins. */
  readonly utcOffsetMinutes: number
  readonly holidays: readonly string[]
}

/** A privacy policy as Heed serves it: parsed, complete and free of contradictions. Made by `parsePolicy` only. */
export interface Policy {
  readonly id: string
  readonly version: string
  readonly title: string
  readonly effectiveFrom: string
  readonly calendar: BusinessCalendar
  /** The longest time in days between the moment a person gave evidence for an opt-in and the moment Heed is told. */
  readonly evidenceMaxAgeDays: number
  readonly purposes: readonly Purpose[]
  readonly recipients: readonly Recipient[]
  /** The prose policy that this one mirrors: a file name in the same folder. */
  readonly proseFile?: string
  /** What else the prose says, for which nobody has to be told. */
  readonly claims?: readonly Claim[]
}
