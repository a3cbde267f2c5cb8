import type { Audience, Recognition } from '../audience/book.ts'
import { type Key, type Person, sha256 } from '../audience/people.ts'

/** What members of a list are found by: its upload key type. */
export type ListKind = 'contact' | 'mobile' | 'user-id'

/** The account types that are played. */
export const accountTypes = ['GOOGLE_ADS', 'DISPLAY_VIDEO_ADVERTISER', 'DISPLAY_VIDEO_PARTNER'] as const

/** An advertising account with its lists. */
export interface GoogleAccount {
  readonly accountType: (typeof accountTypes)[number]
  /** Digits only. */
  readonly accountId: string
  /** The id of the manager account (Google Ads) under which it may be reached as well. */
  readonly managerId?: string | undefined
  readonly lists: readonly { readonly id: string; readonly holds: ListKind; readonly name?: string | undefined }[]
}

/** The accounts of the first day. */
export const defaultAccounts: readonly GoogleAccount[] = [
  {
    accountType: 'GOOGLE_ADS',
    accountId: '4085550199',
    managerId: '4085550100',
    lists: [
      { id: '7712345001', holds: 'contact' },
      { id: '7712345002', holds: 'mobile' },
      { id: '7712345003', holds: 'user-id' },
    ],
  },
  {
    accountType: 'DISPLAY_VIDEO_ADVERTISER',
    accountId: '4085550277',
    lists: [
      { id: '7712345101', holds: 'contact' },
      { id: '7712345102', holds: 'mobile' },
      { id: '7712345103', holds: 'user-id' },
    ],
  },
]

const KEY_KINDS: Readonly<Record<ListKind, readonly string[]>> = {
  contact: ['email', 'phone', 'address'],
  mobile: ['mobile'],
  'user-id': ['user-id'],
}

/** The lists as audiences. */
export function audiencesOf(accounts: readonly GoogleAccount[]): Audience[] {
  return accounts.flatMap(({ accountType, accountId, lists }) =>
    lists.map(({ id, holds, name }) => {
      const title = accountType === 'GOOGLE_ADS' ? 'Google Ads' : 'Display & Video'
      return { id, name: name ?? `${title}, ${holds}`, account: `${accountType}/${accountId}`, holds: KEY_KINDS[holds] }
    }),
  )
}

/** The upload key type of an audience. */
export function kindOfList({ holds = [] }: Audience): ListKind {
  return holds.includes('mobile') ? 'mobile' : holds.includes('user-id') ? 'user-id' : 'contact'
}

/** How Google recognises people: by addresses and phones in its own spelling, by device ids, by the company's user ids. */
export const recognition: Recognition = {
  keysOf: (person) => keysBy(person, ({ local, domain }) => (isGmail(domain) ? `${withoutSuffix(local)}@${domain}` : `${local}@${domain}`)),
  // before 2026 only the dots were dropped; what was uploaded then is still held under that hash
  formerKeysOf: ({ addresses = [] }) =>
    keysBy({ addresses: addresses.filter((address) => isGmail(split(address).domain) && address.includes('+')) }, ({ local, domain }) => {
      return `${local.replaceAll('.', '')}@${domain}`
    }),
  resolvesPeople: true,
}

interface Address {
  readonly local: string
  readonly domain: string
}

function keysBy({ addresses = [], phones = [], deviceIds = [], userIds = [] }: Person, spell: (address: Address) => string): Key[] {
  return [
    ...addresses.map((address) => `email:${sha256(spell(split(address)))}`),
    ...phones.map((phone) => `phone:${sha256(phone)}`),
    ...deviceIds.map((id) => `mobile:${id.toLowerCase()}`),
    ...userIds.map((id) => `user-id:${id}`),
  ]
}

function split(address: string): Address {
  const text = address.replace(/\s+/g, '').toLowerCase()
  const at = text.lastIndexOf('@')
  return { local: text.slice(0, at), domain: text.slice(at + 1) }
}

function isGmail(domain: string): boolean {
  return domain === 'gmail.com' || domain === 'googlemail.com'
}

function withoutSuffix(local: string): string {
  return (local.split('+')[0] ?? '').replaceAll('.', '')
}
