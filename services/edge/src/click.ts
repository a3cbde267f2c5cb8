import type { PurposeKey } from '@heed/domain'

/** How a person used a link: the mail program's one click, the button of our page, or a mail to the unsubscribe address. */
export type ClickMethod = 'one-click' | 'preference-page' | 'mailto'

/** One use of an unsubscribe link, free of personal data. The request id stays the same however often it is sent on. */
export interface Click {
  readonly requestId: string
  readonly linkRef: string
  readonly scope: 'all' | PurposeKey
  readonly method: ClickMethod
  readonly tokenFingerprint: string
  readonly keyId: string
  /** ms since the epoch. */
  readonly usedAt: number
}
