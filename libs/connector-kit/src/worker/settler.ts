import { asError } from '@heed/platform/errors'
import { groupByFate, type HeldRow, type Settlement } from '../inbox/settlement.ts'
import type { RecipientWork } from './recipient.ts'

/** Writes fates of one batch as they become known, several in one write: what comes while a write is under way goes with the next. */
export interface Settler {
  add(row: HeldRow, settlement: Settlement): void
  /** Resolves when everything added is written. Rejects where the database did not take it in time. */
  drain(): Promise<void>
}

const tries = 6
// So long the fates of single requests are gathered while others of the batch are still under way: a write for each would be most of the database's work.
const gatherMs = 20

/** A settler; `token` names the batch where the rows follow one. */
export function createSettler<Settings>(work: RecipientWork<Settings>, token?: string): Settler {
  let waiting: [HeldRow, Settlement][] = []
  let writing: Promise<void> | undefined
  let draining = false

  const write = async (settled: readonly [HeldRow, Settlement][]) => {
    const groups = groupByFate(settled)
    for (let attempt = 1; ; attempt += 1) {
      try {
        await work.line.settle(groups, token)
        break
      } catch (thrown) {
        if (attempt >= tries) throw thrown
        work.log.warn({ recipientId: work.recipientId, attempt, error: asError(thrown) }, 'settlement.failed')
        await work.clock.sleep(100 * 2 ** attempt)
      }
    }
    work.events.deliveriesAttempted(work.recipientId, groups)
    await work.probe('settled')
    work.outcomesWritten()
  }

  let hurry: () => void = () => undefined
  const gather = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, gatherMs)
      hurry = () => {
        clearTimeout(timer)
        resolve()
      }
      if (draining) hurry()
    })

  const run = async () => {
    while (waiting.length > 0) {
      await gather()
      const settled = waiting
      waiting = []
      await write(settled)
    }
    writing = undefined
  }

  let failure: unknown
  const start = () => {
    writing ??= run().catch((thrown: unknown) => {
      failure = thrown
    })
  }

  return {
    add: (row, settlement) => {
      waiting.push([row, settlement])
      start()
    },
    drain: async () => {
      draining = true
      hurry()
      while (writing !== undefined && failure === undefined) await writing
      if (failure !== undefined) throw failure
    },
  }
}
