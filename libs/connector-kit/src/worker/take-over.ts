import type { Flight, Verdict } from '../inbox/flights.ts'
import type { HeldRow, SettledRows } from '../inbox/settlement.ts'
import type { BatchStore } from './batch-store.ts'
import type { RecipientWork } from './recipient.ts'

/** What work is taken over with. */
export type TakeOverWork<Settings> = Pick<
  RecipientWork<Settings>,
  'recipientId' | 'flights' | 'line' | 'batches' | 'outcomes' | 'clock' | 'log'
> & { readonly sender: Pick<RecipientWork<Settings>['sender'], 'descriptor'> }

/** The fate of rows whose try nobody knows the end of: it counts, and they are quiet for a while before they are due again. */
function lost(rows: readonly HeldRow[], now: number, quietSeconds: number): SettledRows {
  const quietUntil = now + quietSeconds * 1000
  return {
    rows,
    settlement: {
      state: 'pending',
      final: false,
      place: 'queue',
      // without a quiet time it keeps its place in the line
      ...(quietSeconds === 0 ? {} : { dueAt: quietUntil }),
      waitReason: 'unknown_outcome',
      failures: 'keep',
      unknown: true,
      quietUntil,
      entry: {
        step: 'asserted',
        outcome: { kind: 'deferred', reason: 'unavailable.process-ended' },
        durationMs: 0,
        nextTryAt: quietUntil,
      },
    },
  }
}

/** A verdict without rows that were to follow a batch which has ended: they were settled since, and must not wait for it again. */
async function stillMeant(verdict: Verdict, batches: BatchStore): Promise<Verdict> {
  const groups: SettledRows[] = []
  for (const group of verdict.groups) {
    const { follow } = group.settlement
    if (follow === undefined || (await batches.find(follow)) !== undefined) groups.push(group)
  }
  return { ...verdict, groups }
}

/** Rows of a flight that no verdict speaks of. */
export function undecided(flight: Flight): HeldRow[] {
  const decided = new Set(flight.verdicts.flatMap(({ groups }) => groups.flatMap(({ rows }) => rows.map(({ id }) => id))))
  return flight.rows.filter(({ id }) => !decided.has(id))
}

/**
 * Brings to an end what ended in the middle: one flight, or all of a recipient. What was decided is given to its rows once more and told once more, which changes
 * nothing where it had been done; what was in the air has an unknown outcome. Resolves with the number of the latter.
 */
export async function takeOver<Settings>(work: TakeOverWork<Settings>, id?: string): Promise<number> {
  const { recipientId, flights, line, batches, outcomes, clock, log } = work
  const { quietAfterUnknownSeconds } = work.sender.descriptor
  let count = 0
  for (const flight of await flights.takeOver(recipientId, id)) {
    for (const verdict of flight.verdicts) await line.settle(await stillMeant(verdict, batches))
    outcomes.replace(flight.id, recipientId, flight.verdicts)
    const rows = undecided(flight)
    if (rows.length === 0) continue
    count += rows.length
    const now = clock.now()
    const verdict: Verdict = { at: now, groups: [lost(rows, now, quietAfterUnknownSeconds)] }
    // the same record, where this process ends in the middle as well
    const record = `${flight.id}/lost`
    await flights.note({ id: record, recipientId }, verdict)
    await line.settle(verdict)
    outcomes.replace(record, recipientId, [verdict])
  }
  if (count > 0) log.warn({ recipientId, deliveries: count }, 'flights.taken-over')
  return count
}
