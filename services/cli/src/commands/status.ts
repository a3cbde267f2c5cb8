import { fromTimestamp } from '@heed/contracts'
import type { ChangeStatus__Output } from '@heed/contracts/gen/heed/audit/v1/ChangeStatus.ts'
import type { DeliveryStatus__Output } from '@heed/contracts/gen/heed/audit/v1/DeliveryStatus.ts'
import type { CommandContext } from '../context.ts'
import { exitCodes } from '../failures.ts'
import { durationText, stateText, timeText } from '../output.ts'

/** One change and where each of its deliveries is. */
export async function showStatus(context: CommandContext, changeId: string): Promise<number> {
  const { status } = await context.clients().audit.getChangeStatus({ changeId })
  if (status === null) return exitCodes.failed
  context.output.document(status)
  showChange(context, status)
  return exitCodes.done
}

/** The same, a line for each step, until every delivery has settled. In JSON: one document for each step. */
export async function followChange(context: CommandContext, changeId: string): Promise<number> {
  const said = new Map<string, string>()
  let last: ChangeStatus__Output | undefined
  for await (const { status } of context.clients().audit.watchChangeStatus({ changeId })) {
    if (status === null) continue
    last = status
    context.output.document(status)
    for (const delivery of status.deliveries) {
      const words = `${stateText(delivery.state)}${whyText(delivery)}`
      if (said.get(delivery.deliveryId) === words) continue
      said.set(delivery.deliveryId, words)
      const after =
        (fromTimestamp(delivery.settledAt ?? delivery.lastAttemptAt) ?? Number.NaN) - (fromTimestamp(status.acceptedAt) ?? Number.NaN)
      context.output.line(`  ${delivery.recipientId.padEnd(26)} ${words}${Number.isFinite(after) ? ` after ${durationText(after)}` : ''}`)
    }
    if (status.settled) break
  }
  return last?.settled ? exitCodes.done : exitCodes.failed
}

function showChange({ output }: CommandContext, status: ChangeStatus__Output): void {
  output.line(
    `change ${status.changeId}, accepted ${timeText(status.acceptedAt)}, policy ${status.policyVersion}, changed ${status.changed.join(', ') || 'nothing by name'}`,
  )
  output.table(['recipient', 'state', 'why', 'attempts', 'last attempt', 'next try', 'deadline'], status.deliveries.map(deliveryRow))
}

function whyText({ waitReason, lastReason }: DeliveryStatus__Output): string {
  const why = [waitReason, lastReason].filter((text) => text !== '').join(', ')
  return why === '' ? '' : ` (${why})`
}

/** A delivery as a row of a table. */
export function deliveryRow(delivery: DeliveryStatus__Output): string[] {
  const { recipientId, state, waitReason, lastReason, attempts, lastAttemptAt, nextTryAt, deadlineAt } = delivery
  const why = [waitReason, lastReason].filter((text) => text !== '').join(', ')
  return [recipientId, stateText(state), why, String(attempts), timeText(lastAttemptAt), timeText(nextTryAt), timeText(deadlineAt)]
}
