import type { Sandbox } from '@heed/sandbox'

/** What can happen to any vendor. */
export const stories = [
  'healthy',
  'throttled',
  'down for a day',
  'key revoked',
  'partial failure',
  'applied but never answered',
  'poison member',
  'late asynchronous failure',
] as const
export type Story = (typeof stories)[number]

/** The vendors of the shipped policy, as the sandbox names them. */
export const vendors = [
  'mailchimp',
  'googleDataManager',
  'googleAnalytics',
  'meta',
  'linkedin',
  'x',
  'microsoft',
  'hashedEmail',
  'supplierFeed',
] as const
export type Vendor = (typeof vendors)[number]

/** A switch of the sandbox; `ofPerson` lets it concern the first person of the story only. */
export interface Fault {
  readonly kind: string
  readonly count?: number
  readonly afterwards?: 'hang' | 'reset'
  readonly retryAfterSeconds?: number
  readonly match?: { readonly method?: string; readonly path?: string }
  readonly ofPerson?: boolean
  /** What is left out of a request may be refused for good: it then waits for a person instead of being given again. */
  readonly leavesToPerson?: boolean
}

/** One recipient of the shipped policy: whose contract it is under, how a delivery ends there, and what is switched on in each story; a text says why there is no such story. */
export interface Played {
  readonly vendor: Vendor
  readonly end: 'CONFIRMED' | 'ACCEPTED'
  readonly plays: Readonly<Record<Story, Fault | string>>
}

const common = {
  healthy: { kind: 'none' },
  throttled: { kind: 'rate-limited' },
  'down for a day': { kind: 'down' },
  'key revoked': { kind: 'revoked-key' },
  'poison member': { kind: 'poison', ofPerson: true },
} as const
const silent = (match: Fault['match']): Fault => ({
  kind: 'applied-then-timeout',
  afterwards: 'reset',
  count: 1,
  ...(match === undefined ? {} : { match }),
})

const noJob = 'its answer is its last word: nothing fails later'
const oneByOne = 'a request is about one person: there is no part of it'

const google: Played['plays'] = {
  ...common,
  'partial failure': { kind: 'partial-late', count: 1 },
  'applied but never answered': silent({ path: 'audienceMembers' }),
  'late asynchronous failure': { kind: 'fails-late', count: 1 },
}
const files = (partner: string): Played['plays'] => ({
  ...common,
  throttled: 'a full SFTP server closes the connection, which is as good as down',
  'partial failure': { kind: 'partial-ack', count: 1, match: { path: partner }, leavesToPerson: true },
  'applied but never answered': silent({ path: partner }),
  'late asynchronous failure': { kind: 'negative-ack', count: 1, match: { path: partner } },
})
const messages = (path: string, late: Fault | string): Played['plays'] => ({
  ...common,
  'partial failure': oneByOne,
  'applied but never answered': silent({ path }),
  'late asynchronous failure': late,
})

/** By the recipient's id in the shipped policy. */
export const recipients: Readonly<Record<string, Played>> = {
  mailchimp: {
    vendor: 'mailchimp',
    end: 'CONFIRMED',
    plays: {
      ...common,
      'partial failure': 'what it leaves out of a request it refuses by person: the poison member',
      'applied but never answered': silent(undefined),
      'late asynchronous failure':
        'members are changed in the answer; a batch job is for more people than a story has (its connector tests it)',
    },
  },
  'google-ads': { vendor: 'googleDataManager', end: 'CONFIRMED', plays: google },
  'google-display-video': { vendor: 'googleDataManager', end: 'CONFIRMED', plays: google },
  'google-analytics': {
    vendor: 'googleAnalytics',
    end: 'ACCEPTED',
    plays: {
      ...common,
      'partial failure': oneByOne,
      'applied but never answered': silent({ path: 'submitUserDeletion' }),
      'late asynchronous failure': 'it never says what became of a deletion',
    },
  },
  meta: {
    vendor: 'meta',
    end: 'ACCEPTED',
    plays: {
      ...common,
      'poison member': 'a removal from all audiences says nothing of its rows: nobody is refused by name',
      'partial failure': 'a removal from all audiences says nothing of its rows: it is taken or not as a whole',
      'applied but never answered': silent({ method: 'DELETE' }),
      'late asynchronous failure': noJob,
    },
  },
  linkedin: {
    vendor: 'linkedin',
    end: 'ACCEPTED',
    plays: {
      ...common,
      'partial failure': { kind: 'element-unavailable', count: 1 },
      'applied but never answered': silent({ path: 'users' }),
      'late asynchronous failure': noJob,
    },
  },
  x: {
    vendor: 'x',
    end: 'ACCEPTED',
    plays: {
      ...common,
      'partial failure': 'a request is taken or refused as a whole',
      'applied but never answered': silent({ path: 'users' }),
      'late asynchronous failure': noJob,
    },
  },
  'microsoft-advertising': {
    vendor: 'microsoft',
    end: 'ACCEPTED',
    plays: {
      ...common,
      'partial failure': { kind: 'item-failed', count: 1 },
      'applied but never answered': silent({ path: 'Apply' }),
      'late asynchronous failure': noJob,
    },
  },
  'select-third-parties': { vendor: 'hashedEmail', end: 'CONFIRMED', plays: files('heed-select-partners') },
  'cross-device-partners': { vendor: 'hashedEmail', end: 'CONFIRMED', plays: files('heed-cross-device') },
  'product-suppliers': { vendor: 'supplierFeed', end: 'CONFIRMED', plays: messages('product-suppliers', noJob) },
  'promotional-partners': { vendor: 'supplierFeed', end: 'CONFIRMED', plays: messages('promotional-partners', noJob) },
  affiliates: { vendor: 'supplierFeed', end: 'CONFIRMED', plays: messages('affiliates', { kind: 'call-fails', count: 1 }) },
}

/** Somebody of one story only. */
export function addressOf(story: Story, number: number): string {
  return `${story.replaceAll(' ', '-')}-${number}@example.org`
}

/** Switches a fault on at a vendor; the first of the people is the one whom it concerns, where it concerns one. */
export function switchOn(
  sandbox: Sandbox,
  vendor: Vendor,
  { ofPerson = false, leavesToPerson: _, ...fault }: Fault,
  people: readonly string[],
): void {
  const match = { ...fault.match, ...(ofPerson ? { address: people[0] ?? '' } : {}) }
  // each vendor has kinds of its own; one that it does not have is not known to its switches and would never be used up
  const { control } = sandbox[vendor]
  const misbehave = control.misbehave as (misbehaviour: unknown) => void
  // a session that is open is not asked for its key again
  if (vendor === 'hashedEmail' && fault.kind === 'revoked-key') misbehave({ kind: 'down', count: Object.keys(fileNames).length })
  misbehave({ ...fault, ...(Object.keys(match).length === 0 ? {} : { match }) })
}

const fileNames: Readonly<Record<string, string>> = {
  'select-third-parties': 'heed-select-partners',
  'cross-device-partners': 'heed-cross-device',
}
const accounts: Readonly<Record<string, string>> = {
  'google-ads': 'GOOGLE_ADS/4085550199',
  'google-display-video': 'DISPLAY_VIDEO_ADVERTISER/4085550277',
}

/** Whether the vendor of a recipient believes that this person has refused. */
export function isOut(sandbox: Sandbox, recipient: string, address: string): boolean {
  const vendor = recipients[recipient]?.vendor
  switch (vendor) {
    case 'mailchimp':
      return sandbox.mailchimp.control.person({ address })[0]?.status === 'unsubscribed'
    case 'googleAnalytics':
      return sandbox.googleAnalytics.control.person({ address }).some(({ state }) => state !== 'recorded')
    case 'hashedEmail':
      return sandbox.hashedEmail.control
        .person({ address })
        .some(({ partner, suppressed }) => partner === fileNames[recipient] && suppressed)
    case 'supplierFeed':
      return sandbox.supplierFeed.control.person({ address }).some(({ partner, state }) => partner === recipient && state === 'opted-out')
    case undefined:
      throw new RangeError(`${recipient} is not played`)
    default: {
      const account = accounts[recipient]
      const held = sandbox[vendor].control.person({ address }).filter((belief) => account === undefined || belief.account === account)
      return held.length > 0 && held.every(({ member }) => !member)
    }
  }
}
