import { asError } from '@heed/platform/errors'
import type { Verdict } from '../inbox/flights.ts'
import { newToken } from '../inbox/line.ts'
import { groupByFate, type HeldRow, type Settlement } from '../inbox/settlement.ts'
import type { RecipientWork } from './recipient.ts'

/** Settles rows of one batch as their fates become known, several at once: what comes while a write is under way goes with the next. */
export interface Settler {
  add(row: HeldRow, settlement: Settlement): void
  /** Resolves when everything added is settled. Rejects where the database did not take it in time. */
  drain(): Promise<void>
  /** How many of the rows are to be told again. */
  readonly returned: number
}

/** Where the rows of a settler come from: a flight that records what becomes of them, or a batch that they follow; neither where they were only looked at. */
export interface SettledFrom {
  readonly flight?: string
  readonly token?: string
}

const tries = 6
// So long the fates of single requests are gathered while others of the batch are still under way: a write for each would be most of the database's work.
const gatherMs = 100
// A record is one document of the database, which holds no more than 16 MB.
const rowsPerRecord = 20_000

/** A settler: each fate is recorded durably, then given to the rows, then told. */
export function createSettler<Settings>(work: RecipientWork<Settings>, from: SettledFrom = {}): Settler {
  const { recipientId, flights, line, outcomes, clock, log } = work
  const { flight, token } = from
  let waiting: [HeldRow, Settlement][] = []
  let writing: Promise<void> | undefined
  let draining = false
  let places = 0
  /** The flight was taken over: whatever is still learned of it is somebody else's. */
  let over = false

  const again = async (write: () => Promise<void>) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await write()
      } catch (thrown) {
        if (attempt >= tries) throw thrown
        log.warn({ recipientId, attempt, error: asError(thrown) }, 'settlement.failed')
        await clock.sleep(100 * 2 ** attempt)
      }
    }
  }

  /** Makes the verdict durable. Resolves with the record that holds it, or undefined where that was taken over. */
  const record = async (verdict: Verdict): Promise<string | undefined> => {
    if (flight === undefined) {
      const id = newToken('n')
      await again(() => flights.note({ id, recipientId }, verdict))
      return id
    }
    const place = places
    places += 1
    await again(async () => {
      over = !(await flights.decide(flight, place, verdict))
    })
    return over ? undefined : flight
  }

  const write = async (settled: readonly [HeldRow, Settlement][]) => {
    const groups = groupByFate(settled)
    const verdict: Verdict = { at: clock.now(), ...(token === undefined ? {} : { token }), groups }
    const id = await record(verdict)
    if (id === undefined) {
      log.warn({ recipientId, deliveries: settled.length }, 'flight.lost')
      return
    }
    await work.probe('decided')
    await again(() => line.settle(verdict))
    work.events.deliveriesAttempted(recipientId, groups)
    await work.probe('settled')
    outcomes.post({ record: id, recipientId, verdict })
    if (flight === undefined) outcomes.close(id, recipientId)
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
    while (waiting.length > 0 && !over) {
      await gather()
      const settled = waiting.slice(0, rowsPerRecord)
      waiting = waiting.slice(rowsPerRecord)
      await write(settled)
    }
    writing = undefined
  }

  let failure: unknown
  let returned = 0
  const start = () => {
    writing ??= run().catch((thrown: unknown) => {
      failure = thrown
    })
  }

  return {
    add: (row, settlement) => {
      waiting.push([row, settlement])
      if (settlement.place === 'queue') returned += 1
      start()
    },
    drain: async () => {
      draining = true
      hurry()
      while (writing !== undefined && failure === undefined) await writing
      if (failure !== undefined) throw failure
    },
    get returned() {
      return returned
    },
  }
}
