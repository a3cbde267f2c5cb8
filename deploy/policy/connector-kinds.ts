import { duties, formsOf, type IdentifierKind, identifierKinds } from '@heed/domain'

/** What one kind of connector can do with identifiers: the forms that its vendor takes, by kind of identifier. */
export type UsableForms = Readonly<Partial<Record<IdentifierKind, readonly string[]>>>

const feed: UsableForms = {
  email: ['raw', 'plain-sha256-hex', 'nows-sha256-hex', 'legacy-md5-hex', 'legacy-sha1-hex', 'uid2-sha256-b64'],
  phone: ['raw', 'e164-sha256-hex', 'digits-sha256-hex'],
  'user-id': ['raw'],
  'browser-id': ['raw'],
  'app-instance-id': ['raw'],
  idfa: ['raw', 'device-lower-case', 'device-sha256-hex'],
  gaid: ['raw', 'device-lower-case', 'device-sha256-hex'],
}

/**
 * Every kind of connector, in this one place. A kind whose workspace under services/connectors does not stand yet counts as known: its recipients' deliveries
 * wait, and the check says so. A grant that its kind cannot use would hand a person's identifier over for nothing, and is refused.
 */
export const connectorKinds: Readonly<Record<string, UsableForms>> = {
  // the member is found by a hash that the connector makes of the address, and an opt-in writes the address itself
  mailchimp: { email: ['raw'] },
  'google-ads': {
    email: ['google-sha256-hex'],
    phone: ['e164-sha256-hex'],
    'user-id': ['raw'],
    idfa: ['raw'],
    gaid: ['raw'],
  },
  // the one vendor that wants an address unhashed
  'google-analytics': {
    email: ['google-analytics-email', 'raw'],
    phone: ['raw'],
    'user-id': ['raw'],
    'browser-id': ['raw'],
    'app-instance-id': ['raw'],
  },
  'meta-ads': {
    email: ['plain-sha256-hex'],
    phone: ['digits-sha256-hex'],
    'user-id': ['raw'],
    idfa: ['device-lower-case'],
    gaid: ['device-lower-case'],
  },
  // Apple's id is known from third parties only, hence not here
  'linkedin-ads': { email: ['nows-sha256-hex', 'nows-sha512-hex'], gaid: ['raw'] },
  'x-ads': {
    email: ['plain-sha256-hex'],
    phone: ['e164-sha256-hex'],
    'user-id': ['raw'],
    idfa: ['device-sha256-hex'],
    gaid: ['device-sha256-hex'],
  },
  'microsoft-ads': { email: ['plain-sha256-hex'] },
  'hashed-email': {
    email: [
      'plain-sha256-hex',
      'nows-sha256-hex',
      'legacy-md5-hex',
      'legacy-sha1-hex',
      'google-sha256-hex',
      'google-sha256-b64',
      'google-cm360-sha256-hex',
      'google-cm360-sha256-b64',
      'uid2-sha256-b64',
      'drop-sha256-b64',
      // LiveRamp's interface and plain opt-out lists take the address itself
      'raw',
    ],
  },
  'supplier-feed': feed,
  // a person can look for whatever she is handed
  [duties]: Object.fromEntries(identifierKinds.map((kind) => [kind, formsOf(kind)])),
}

/**
 * The kinds whose vendors can be told to forget a person; `kind/transport` where that hangs on how the recipient is reached. A recipient of another kind can only be
 * told to leave her out.
 */
export const erasingKinds: readonly string[] = [
  'mailchimp',
  'google-analytics',
  'supplier-feed',
  'hashed-email/liveramp',
  'hashed-email/liveintent',
]
