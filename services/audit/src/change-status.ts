import type { ChangeId } from '@heed/domain'
import type { DeliveryRow } from '@heed/trail'
import type { AuditStore } from './audit-store.ts'
import { type ChangeRow, isChangeSettled } from './change-row.ts'
import { waitSeen } from './recipient-status.ts'

/** A change and what became of it. */
export interface ChangeStatus {
  readonly change: ChangeRow
  /** By recipient id; those not requested yet are not among them. */
  readonly deliveries: readonly DeliveryRow[]
  readonly settled: boolean
}

/** The status of a change, each open delivery with the reason as it is seen, or undefined where the trail does not know the change (yet). */
export async function readChangeStatus(store: AuditStore, changeId: ChangeId): Promise<ChangeStatus | undefined> {
  const change = await store.changes.findOne({ _id: changeId })
  if (change === null) return undefined
  const { subjectId, version } = change
  const [rows, held] = await Promise.all([
    store.deliveries.find({ subjectId, version }).toArray(),
    store.recipients.find({ 'control.paused': true }, { projection: { _id: 1 } }).toArray(),
  ])
  const paused = new Set(held.map(({ _id }) => _id))
  const deliveries = rows
    .filter((row) => row.request !== undefined)
    .map((row): DeliveryRow => (row.wait === undefined ? row : { ...row, wait: waitSeen(row.wait, paused.has(row.recipientId)) }))
    .sort((a, b) => (a.recipientId < b.recipientId ? -1 : 1))
  return { change, deliveries, settled: isChangeSettled(change, deliveries) }
}
