import type { ChangeId } from '@heed/domain'
import type { AuditStore } from './audit-store.ts'
import { type ChangeRow, isChangeSettled } from './change-row.ts'
import type { DeliveryRow } from './delivery-row.ts'

/** A change and what became of it. */
export interface ChangeStatus {
  readonly change: ChangeRow
  /** By recipient id; those not requested yet are not among them. */
  readonly deliveries: readonly DeliveryRow[]
  readonly settled: boolean
}

/** The status of a change, or undefined where the trail does not know it (yet). */
export async function readChangeStatus(store: AuditStore, changeId: ChangeId): Promise<ChangeStatus | undefined> {
  const change = await store.changes.findOne({ _id: changeId })
  if (change === null) return undefined
  const { subjectId, version } = change
  const rows = await store.deliveries.find({ subjectId, version }).toArray()
  const deliveries = rows.filter((row) => row.request !== undefined).sort((a, b) => (a.recipientId < b.recipientId ? -1 : 1))
  return { change, deliveries, settled: isChangeSettled(change, deliveries) }
}
