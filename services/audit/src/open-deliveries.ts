import type { RecipientId, WaitReason } from '@heed/domain'
import type { DeliveryRow } from '@heed/trail'
import type { AuditStore } from './audit-store.ts'
import { waitSeen, waitsBehind } from './recipient-status.ts'

/** Which open deliveries are asked for. */
export interface OpenQuery {
  readonly recipientId?: RecipientId
  /** Only deliveries to these. */
  readonly among?: readonly RecipientId[]
  readonly wait?: WaitReason
  readonly limit: number
  /** Only those that come after this place. */
  readonly after?: OpenPlace
}

/** A place in the list: oldest first, of one age by id. */
export interface OpenPlace {
  readonly since: number
  readonly id: string
}

/** Open deliveries, oldest first, with the reason as it is seen. One short walk through the index for each recipient asked about. */
export async function listOpenDeliveries(store: AuditStore, query: OpenQuery): Promise<DeliveryRow[]> {
  const { recipientId, among, wait, limit, after } = query
  const asked = [
    ...(recipientId === undefined ? [] : [{ _id: recipientId }]),
    ...(among === undefined ? [] : [{ _id: { $in: [...among] } }]),
  ]
  const recipients = await store.recipients.find(asked.length === 0 ? {} : { $and: asked }, { projection: { control: 1 } }).toArray()
  const pages = await Promise.all(
    recipients.map(async ({ _id, control }) => {
      const paused = control?.paused === true
      const waits = wait === undefined ? undefined : waitsBehind(wait, paused)
      if (waits?.length === 0) return []
      const rows = await store.deliveries
        .find(
          {
            recipientId: _id,
            open: true,
            ...(waits === undefined ? {} : { wait: { $in: waits } }),
            ...(after === undefined
              ? {}
              : { since: { $gte: after.since }, $or: [{ since: { $gt: after.since } }, { _id: { $gt: after.id as DeliveryRow['_id'] } }] }),
          },
          { sort: { open: 1, recipientId: 1, since: 1, _id: 1 }, limit, hint: 'open' },
        )
        .toArray()
      return rows.map((row): DeliveryRow => (row.wait === undefined ? row : { ...row, wait: waitSeen(row.wait, paused) }))
    }),
  )
  return pages
    .flat()
    .sort((a, b) => a.since - b.since || (a._id < b._id ? -1 : 1))
    .slice(0, limit)
}
