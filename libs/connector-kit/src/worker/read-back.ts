import type { DeliveryId } from '@heed/domain'
import { asError } from '@heed/platform/errors'
import type { Task } from '../contract.ts'
import { type Claim, heldRow } from '../inbox/line.ts'
import type { InboxRow } from '../inbox/row.ts'
import type { Settlement } from '../inbox/settlement.ts'
import { executeAll } from './execute.ts'
import { makeTasks } from './make-tasks.ts'
import type { RecipientWork } from './recipient.ts'
import { createSettler } from './settler.ts'

/** So often a state that did not stay is asserted again, before a person has to look. */
const maxDrifts = 3

/** What becomes of a settled row after it was read back. Pure. */
export function judgeReadBack(
  holds: 'wanted' | 'other' | 'unreadable' | undefined,
  row: Pick<InboxRow, 'drifts' | 'state' | 'final' | 'acceptedAt' | 'assertion' | 'deadlineAt'>,
  at: { readonly now: number; readonly durationMs: number },
): Settlement {
  const { now, durationMs } = at
  // as much time as there was at first
  const again = { reassertAt: now, deadlineAt: now + Math.max(0, row.deadlineAt - Math.max(row.acceptedAt, row.assertion)) }
  switch (holds) {
    case 'wanted':
      return {
        state: 'verified',
        final: true,
        place: 'closed',
        failures: 'reset',
        unknown: false,
        entry: { step: 'verified', outcome: { kind: 'verified' }, durationMs },
      }
    case 'other':
      if (row.drifts + 1 >= maxDrifts) {
        return {
          state: 'needs_person',
          final: false,
          place: 'parked',
          waitReason: 'needs_person',
          failures: 'keep',
          unknown: false,
          drift: true,
          ...again,
          entry: { step: 'verified', outcome: { kind: 'rejected', reason: 'item.does-not-stay' }, durationMs },
        }
      }
      return {
        state: 'pending',
        final: false,
        place: 'queue',
        waitReason: 'waiting_turn',
        failures: 'keep',
        unknown: false,
        drift: true,
        ...again,
        entry: { step: 'read-back', outcome: { kind: 'deferred', reason: 'item.drifted' }, durationMs, nextTryAt: now },
      }
    case 'unreadable':
    case undefined:
      // What was confirmed stays confirmed: nothing speaks against it.
      return { state: row.state, final: row.final, place: 'closed', failures: 'keep', unknown: 'keep' }
    default:
      return holds satisfies never
  }
}

/** Reads back what vendors were said to hold. What differs is asserted again under an assertion of now, so that everybody sees that it is open once more. */
export async function readBackBatch<Settings>(work: RecipientWork<Settings>, claim: Claim, abort: AbortSignal): Promise<void> {
  const { sender, recipientId } = work
  const prepared = await makeTasks(claim.rows, sender.descriptor, work.directory)
  const tasks: Task[] = []
  const rows = new Map<DeliveryId, InboxRow>()
  const settler = createSettler(work)
  const at = { now: work.clock.now(), durationMs: 0 }
  for (const [index, one] of prepared.entries()) {
    const row = claim.rows[index]
    if (row === undefined) continue
    if (one.kind === 'task') {
      tasks.push(one.task)
      rows.set(one.task.deliveryId, row)
    } else settler.add(heldRow(row), judgeReadBack(undefined, row, at))
  }
  let requests: ReturnType<NonNullable<typeof sender.connector.readBack>> = []
  try {
    requests = sender.connector.readBack?.(tasks, sender.settings) ?? []
  } catch (thrown) {
    work.log.error({ recipientId, error: asError(thrown) }, 'connector.read-back-failed')
  }
  const seen = new Map<DeliveryId, 'wanted' | 'other' | 'unreadable'>()
  await executeAll(sender, requests, {
    abort,
    inOrder: false,
    onResult: (result) => {
      if (result.kind !== 'read') return
      for (const { deliveryId, holds } of result.observed) {
        // of several audiences, one that holds something else decides
        if (seen.get(deliveryId) !== 'other')
          seen.set(deliveryId, seen.get(deliveryId) === 'unreadable' && holds === 'wanted' ? 'unreadable' : holds)
      }
    },
  })
  const found = { wanted: 0, other: 0, unreadable: 0 }
  for (const [id, row] of rows) {
    const held = seen.get(id)
    settler.add(heldRow(row), judgeReadBack(held, row, at))
    if (held !== undefined) found[held] += 1
  }
  for (const held of ['wanted', 'other', 'unreadable'] as const) if (found[held] > 0) work.events.readBack(recipientId, held, found[held])
  await settler.drain()
  if (found.other === 0) return
  work.events.driftFound(recipientId, found.other)
  work.log.warn({ recipientId, deliveries: found.other }, 'drift.found')
}
