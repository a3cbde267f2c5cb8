import type { IdentifierKind } from './identifier.ts'

/** The digests that hash profiles use. The caller brings them: this room computes none. */
export type DigestName = 'sha256' | 'sha512' | 'sha1' | 'md5'

/** One step of a normalisation, applied in the order written. */
export type NormalStep =
  | 'trim'
  | 'remove-whitespace'
  | 'lower-case'
  | 'keep-digits'
  | 'drop-leading-zeros'
  | 'drop-at-sign'
  /** Rewrites the local part of an address at one of these domains: first cut from `+`, then delete dots. The domain stays as it is. */
  | { readonly mailbox: readonly string[]; readonly cutSuffix: boolean; readonly dropDots: boolean }

/** One form in which an identifier is handed over. */
export interface IdentifierFormRule {
  /** The kinds that it is made for; none where Heed keeps no identifier of that kind. */
  readonly kinds: readonly IdentifierKind[]
  /** What the text must look like once it is normalised; anything else has no such form. */
  readonly expects: 'address' | 'digits' | 'text'
  /** One list of steps for each value to hand over. Equal results are handed over once. The first is the vendor's rule of today. */
  readonly variants: readonly (readonly NormalStep[])[]
  /** `none` hands over the normalised text itself. */
  readonly digest: DigestName | 'none'
  readonly encoding: 'hex' | 'base64' | 'text'
  /** Whose rule it is. */
  readonly usedBy: string
}

const plain: readonly NormalStep[] = ['trim', 'lower-case']
const noWhitespace: readonly NormalStep[] = ['remove-whitespace', 'lower-case']
const gmail = ['gmail.com', 'googlemail.com']
const google: readonly NormalStep[] = [...noWhitespace, { mailbox: gmail, cutSuffix: true, dropDots: true }]
const googleDots: readonly NormalStep[] = [...noWhitespace, { mailbox: gmail, cutSuffix: false, dropDots: true }]
const uid2: readonly NormalStep[] = [...plain, { mailbox: ['gmail.com'], cutSuffix: true, dropDots: true }]

type Row = Omit<IdentifierFormRule, 'kinds' | 'expects' | 'usedBy'>
const address = (usedBy: string, row: Row): IdentifierFormRule => ({ kinds: ['email'], expects: 'address', usedBy, ...row })

/**
 * Every form beside `raw`, by the name that the policy file uses. Digests are taken of UTF-8 bytes, without salt and without a final newline (the two parties
 * must come to the same text); hex is lower-case; base64 is of the digest's bytes. There is no canonical hash of an address: each partner has its own rule.
 */
export const identifierForms = {
  'plain-sha256-hex': address('Microsoft, Meta, X, Snap, TikTok, most suppression partners', {
    variants: [plain],
    digest: 'sha256',
    encoding: 'hex',
  }),
  'nows-sha256-hex': address('LinkedIn, LiveRamp', { variants: [noWhitespace], digest: 'sha256', encoding: 'hex' }),
  'nows-sha512-hex': address('LinkedIn', { variants: [noWhitespace], digest: 'sha512', encoding: 'hex' }),
  'legacy-md5-hex': address('OPTIZMO, LiveRamp, LiveIntent; the key of a contact at Mailchimp', {
    variants: [plain],
    digest: 'md5',
    encoding: 'hex',
  }),
  'legacy-sha1-hex': address('LiveRamp, LiveIntent', { variants: [plain], digest: 'sha1', encoding: 'hex' }),
  // before 2026 the published rule dropped Gmail's dots only: a list filled then holds the second value
  'google-sha256-hex': address('Google Ads, Display & Video 360', { variants: [google, googleDots], digest: 'sha256', encoding: 'hex' }),
  'google-sha256-b64': address('Google Ads, Display & Video 360', { variants: [google, googleDots], digest: 'sha256', encoding: 'base64' }),
  'google-cm360-sha256-hex': address('Campaign Manager 360', { variants: [googleDots], digest: 'sha256', encoding: 'hex' }),
  'google-cm360-sha256-b64': address('Campaign Manager 360', { variants: [googleDots], digest: 'sha256', encoding: 'base64' }),
  'uid2-sha256-b64': address('UID2, The Trade Desk', { variants: [uid2], digest: 'sha256', encoding: 'base64' }),
  'drop-sha256-b64': address('California DROP', { variants: [noWhitespace], digest: 'sha256', encoding: 'base64' }),
  'google-analytics-email': address('Google Analytics', { variants: [googleDots], digest: 'none', encoding: 'text' }),
  'e164-sha256-hex': {
    kinds: ['phone'],
    expects: 'text',
    variants: [['remove-whitespace']],
    digest: 'sha256',
    encoding: 'hex',
    usedBy: 'Google Ads, X',
  },
  'digits-sha256-hex': {
    kinds: ['phone'],
    expects: 'digits',
    variants: [['keep-digits', 'drop-leading-zeros']],
    digest: 'sha256',
    encoding: 'hex',
    usedBy: 'Meta',
  },
  'device-sha256-hex': {
    kinds: ['idfa', 'gaid'],
    expects: 'text',
    variants: [plain],
    digest: 'sha256',
    encoding: 'hex',
    usedBy: 'X',
  },
  'device-lower-case': { kinds: ['idfa', 'gaid'], expects: 'text', variants: [plain], digest: 'none', encoding: 'text', usedBy: 'Meta' },
  'handle-sha256-hex': {
    kinds: [],
    expects: 'text',
    variants: [['trim', 'drop-at-sign', 'lower-case']],
    digest: 'sha256',
    encoding: 'hex',
    usedBy: 'X',
  },
} as const satisfies Record<string, IdentifierFormRule>

/** The name of a form beside `raw`. */
export type IdentifierFormName = keyof typeof identifierForms

const rules: ReadonlyMap<string, IdentifierFormRule> = new Map(Object.entries(identifierForms))

/** The rule of a named form, or undefined for `raw` and for a name that nobody knows. */
export function findForm(name: string): IdentifierFormRule | undefined {
  return rules.get(name)
}

/** The forms, `raw` among them, in which an identifier of this kind can be handed over. */
export function formsOf(kind: IdentifierKind): string[] {
  return ['raw', ...[...rules].filter(([, rule]) => rule.kinds.includes(kind)).map(([name]) => name)]
}
