import type { Cell, VendorPage } from '../frame/vendor.ts'
import { type Account, subscriberHash } from './account.ts'
import type { Batches } from './batches.ts'
import { beliefAbout, type MailchimpBelief } from './control.ts'

const TONES = {
  subscribed: 'go',
  pending: 'wait',
  unsubscribed: 'stop',
  cleaned: 'stop',
  transactional: 'stop',
  archived: 'none',
  forgotten: 'none',
} as const

/** What the sandbox's page shows of Mailchimp. */
export function mailchimpPage(url: string, account: Account, batches: () => Batches): VendorPage {
  return {
    title: 'Mailchimp',
    about: `The mail provider. Its Marketing API listens at ${url}/3.0.`,
    get figures() {
      const audiences = [...account.audiences.values()]
      const count = (wanted: string): number =>
        audiences.reduce((sum, { members }) => sum + [...members.values()].filter(({ status }) => status === wanted).length, 0)
      return [
        ['audiences', audiences.length],
        ['subscribed', count('subscribed')],
        ['unsubscribed', count('unsubscribed')],
        ['batches under way', batches().pendingCount()],
      ] as const
    },
    columns: ['Person', 'Audience', 'Status', 'Topics', 'Changed'],
    rows(limit) {
      const beliefs = [...account.audiences.values()].flatMap((audience) =>
        [...new Set([...audience.recent].reverse())].slice(0, limit).flatMap((hash) => beliefAbout(audience, hash) ?? []),
      )
      return beliefs
        .sort((a, b) => (b.changedAt ?? '').localeCompare(a.changedAt ?? ''))
        .slice(0, limit)
        .map(cells)
    },
    rowsAbout({ address, hash }) {
      const key = hash ?? subscriberHash(address ?? '')
      return [...account.audiences.values()].flatMap((audience) => beliefAbout(audience, key) ?? []).map(cells)
    },
  }
}

function cells(belief: MailchimpBelief): Cell[] {
  const topics = Object.entries(belief.interests).filter(([, wanted]) => wanted)
  const status =
    belief.hold === undefined ? belief.status : `${belief.status} (${belief.hold === 'unsubscribed' ? 'by the person' : belief.hold})`
  return [
    belief.address ?? `forgotten ${belief.hash.slice(0, 8)}…`,
    belief.audience,
    { badge: status, tone: TONES[belief.status] },
    topics.length === 0 ? '–' : topics.map(([name]) => name).join(', '),
    belief.changedAt?.slice(0, 19).replace('T', ' ') ?? '–',
  ]
}
