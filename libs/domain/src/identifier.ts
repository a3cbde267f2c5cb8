/**
 * The kinds of identifier that Heed keeps. Each is normalised once at the door and kept sealed; what leaves is the form that the policy grants.
 * Click and pixel ids belong to one vendor each, which is why the vendor stands in their names.
 */
export const identifierKinds = [
  'email',
  'phone',
  'user-id',
  'browser-id',
  'app-instance-id',
  'idfa',
  'gaid',
  'linkedin-click-id',
  'x-click-id',
  'meta-click-id',
  'microsoft-click-id',
] as const

/** One kind of identifier; see `identifierKinds`. */
export type IdentifierKind = (typeof identifierKinds)[number]

/** An identifier as it was accepted: of a known kind, checked and normalised. Its text form hides the value. */
export interface Identifier {
  readonly kind: IdentifierKind
  readonly value: string
}
