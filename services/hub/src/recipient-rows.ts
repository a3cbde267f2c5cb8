import { fromTimestamp } from '@heed/contracts'
import type { ChangeStatus__Output } from '@heed/contracts/gen/heed/audit/v1/ChangeStatus.ts'
import type { DeliveryStatus__Output } from '@heed/contracts/gen/heed/audit/v1/DeliveryStatus.ts'
import { connectorOf, duties, type Policy } from '@heed/domain'

/** How much is known of a delivery: `done` is only what the recipient itself has said, `taken` that it took the request and says no more, `person` that somebody has to act. */
export type Tone = 'waiting' | 'under-way' | 'taken' | 'done' | 'person' | 'not-owed' | 'nobody'

/** What is shown of one recipient while a change is on its way. */
export interface RecipientRow {
  readonly recipientId: string
  readonly title: string
  /** What is done there. */
  readonly act: string
  readonly tone: Tone
  /** The state in a word or two. */
  readonly state: string
  /** From the acceptance to the end, or to now where it has not ended; absent where there is nothing to measure. */
  readonly afterMs: number | undefined
  /** Whether that has ended. */
  readonly ended: boolean
  /** Why it waits, or why it ended like this; empty where the state says it all. */
  readonly why: string
}

/** By the connector that the policy file names. */
const acts: Readonly<Record<string, string>> = {
  mailchimp: 'unsubscribed there',
  'google-ads': 'taken off audiences',
  'meta-ads': 'taken off audiences',
  'linkedin-ads': 'taken off segments',
  'x-ads': 'taken off audiences',
  'microsoft-ads': 'taken off lists',
  'google-analytics': 'data deleted',
  'hashed-email': 'suppressed by file',
  'supplier-feed': 'told by a message',
  [duties]: 'done by a person',
}

/** The rows of a change that refuses something, in the order of the policy: whoever is owed it, and whoever the policy names and need not be told. `now` is in ms since the epoch. */
export function recipientRows(policy: Policy, status: ChangeStatus__Output, changed: readonly string[], now: number): RecipientRow[] {
  const acceptedAt = fromTimestamp(status.acceptedAt)
  const deliveries = new Map(status.deliveries.map((delivery) => [delivery.recipientId, delivery]))
  return policy.recipients.flatMap((recipient): RecipientRow[] => {
    const { id, title, purposes, fulfilment } = recipient
    const delivery = deliveries.get(id)
    if (delivery !== undefined) {
      const kind = connectorOf(recipient)
      return [rowOf(title, kind === undefined ? '' : (acts[kind] ?? kind), delivery, acceptedAt, now)]
    }
    if (fulfilment.by !== 'nobody' || !purposes.some((purpose) => changed.includes(purpose))) return []
    const row = { recipientId: id, title, act: 'nothing', tone: 'nobody', state: 'nobody told', afterMs: undefined, ended: true } as const
    return [{ ...row, why: fulfilment.reason }]
  })
}

function rowOf(title: string, act: string, delivery: DeliveryStatus__Output, acceptedAt: number | undefined, now: number): RecipientRow {
  const { recipientId, settled, settledAt, lastAttemptAt } = delivery
  const endedAt = settled ? (fromTimestamp(settledAt) ?? fromTimestamp(lastAttemptAt)) : now
  const afterMs = acceptedAt === undefined || endedAt === undefined ? undefined : Math.max(0, endedAt - acceptedAt)
  return { recipientId, title, act, ...standing(delivery), afterMs, ended: settled }
}

function standing({
  state,
  settled,
  waitReason,
  lastReason,
  ownerRole,
  deadlineAt,
  resolvedBy,
}: DeliveryStatus__Output): Pick<RecipientRow, 'tone' | 'state' | 'why'> {
  const why = [waitReason, lastReason]
    .filter((word) => word !== '')
    .join(', ')
    .replaceAll('_', ' ')
  switch (state) {
    case 'DELIVERY_STATE_CONFIRMED':
      return { tone: 'done', state: 'confirmed', why: '' }
    case 'DELIVERY_STATE_VERIFIED':
      return { tone: 'done', state: 'read back', why: '' }
    case 'DELIVERY_STATE_ACCEPTED':
      // not green: a vendor that took the request and has no way to say more
      if (settled) return { tone: 'taken', state: 'taken', why: 'nothing more will be known' }
      return { tone: 'under-way', state: 'taken', why: why === '' ? 'not done yet' : why }
    case 'DELIVERY_STATE_NEEDS_PERSON': {
      const until = fromTimestamp(deadlineAt)
      const by = until === undefined ? '' : `, until ${new Date(until).toISOString().slice(0, 10)}`
      return { tone: 'person', state: 'for a person', why: ownerRole === '' ? why : `${ownerRole}${by}` }
    }
    case 'DELIVERY_STATE_RESOLVED':
      return { tone: 'person', state: 'ended by hand', why: resolvedBy }
    case 'DELIVERY_STATE_SUPERSEDED':
      return { tone: 'not-owed', state: 'newer wish', why: '' }
    case 'DELIVERY_STATE_NOT_APPLICABLE':
      return { tone: 'not-owed', state: 'not owed', why: lastReason.replace(/^not-applicable\./, '').replaceAll('-', ' ') }
    default:
      return { tone: 'waiting', state: 'waiting', why }
  }
}
