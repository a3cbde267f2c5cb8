import type { RecipientId } from '@heed/domain'
import type { mongo } from 'mongoose'
import { type Positions, positionsOf, shortest } from './positions.ts'
import type { HeldRow, SettledRows, Settlement } from './settlement.ts'

/** What became of rows of a batch at one moment. */
export interface Verdict {
  /** When it was decided, ms since the epoch. */
  readonly at: number
  /** The batch that the rows follow; absent where they were claimed from the line. */
  readonly token?: string
  readonly groups: readonly SettledRows[]
}

/**
 * A record of a batch: the rows that are in the air, and what became of them so far. It is what a crash leaves. A row without a verdict may have been told to the
 * vendor; a verdict may not have reached its rows or the topic of outcomes yet.
 */
export interface Flight {
  readonly id: string
  readonly recipientId: RecipientId
  readonly rows: readonly HeldRow[]
  readonly verdicts: readonly Verdict[]
}

/** A flight as it is stored. */
export interface FlightRow {
  readonly _id: string
  readonly recipientId: RecipientId
  /** One text for each row: version, assertion, try, lane and id. */
  readonly rows: readonly string[]
  readonly verdicts: readonly {
    readonly at: number
    readonly token?: string
    readonly groups: readonly { readonly settlement: Settlement; readonly at: Positions }[]
  }[]
  /** Taken over: whoever began it may add nothing more. */
  readonly over?: true
}

/** The records of what is in flight. */
export interface Flights {
  /** When begin resolves, it is durable what is about to be sent: send then. */
  begin(flight: Pick<Flight, 'id' | 'recipientId' | 'rows'>): Promise<void>
  /**
   * Adds the verdict that has that place among those of the flight; again, it changes nothing. When it resolves with true, the verdict is durable: whatever
   * follows from it is made good after a crash. False where the flight was taken over: nothing was added, and nothing may follow.
   */
  decide(id: string, place: number, verdict: Verdict): Promise<boolean>
  /** Records a verdict about rows that were in no flight, durably. */
  note(flight: Pick<Flight, 'id' | 'recipientId'>, verdict: Verdict): Promise<void>
  /** Closes flights to whoever began them, and gives them: one, or all of a recipient. */
  takeOver(recipientId: RecipientId, id?: string): Promise<Flight[]>
  read(id: string): Promise<Flight | undefined>
  /** Drops records: their rows are settled and their outcomes are told. One that a crash keeps does no harm: repeating it changes nothing. */
  forget(ids: readonly string[]): Promise<void>
}

const pack = ({ version, assertion, attempt, priority, id }: HeldRow): string => `${version} ${assertion} ${attempt} ${priority} ${id}`

function unpack(text: string): HeldRow {
  const [version, assertion, attempt, priority, ...id] = text.split(' ')
  return {
    version: Number(version),
    assertion: Number(assertion),
    attempt: Number(attempt),
    priority: priority === '0' ? 0 : 1,
    id: id.join(' '),
  }
}

/** A verdict with positions in place of rows. */
function storedVerdict(verdict: Verdict, position: ReadonlyMap<string, number>): FlightRow['verdicts'][number] {
  const { at, token, groups } = verdict
  return {
    at,
    ...(token === undefined ? {} : { token }),
    groups: groups.map(({ settlement, rows }) => ({
      settlement,
      at: shortest(
        rows.flatMap(({ id }) => position.get(id) ?? []),
        position.size,
      ),
    })),
  }
}

/** A stored flight as it is used. */
export function flightOf({ _id, recipientId, rows: packed, verdicts }: FlightRow): Flight {
  const rows = packed.map(unpack)
  return {
    id: _id,
    recipientId,
    rows,
    verdicts: verdicts.map(({ groups, ...verdict }) => ({
      ...verdict,
      groups: groups.map(({ settlement, at }) => ({
        settlement,
        rows: [...positionsOf(at, rows.length)].flatMap((index) => rows[index] ?? []),
      })),
    })),
  }
}

/** Flights in a collection beside the rows. */
export function createFlights(flights: mongo.Collection<FlightRow>): Flights {
  // where each row of a flight stands in it, as long as verdicts may come
  const positions = new Map<string, ReadonlyMap<string, number>>()
  const positionIn = (rows: readonly HeldRow[]) => new Map(rows.map(({ id }, index) => [id, index]))

  return {
    begin: async ({ id, recipientId, rows }) => {
      positions.set(id, positionIn(rows))
      await flights.insertOne({ _id: id, recipientId, rows: rows.map(pack), verdicts: [] })
    },
    decide: async (id, place, verdict) => {
      const stored = storedVerdict(verdict, positions.get(id) ?? new Map())
      const { matchedCount } = await flights.updateOne({ _id: id, over: { $exists: false } }, {
        $set: { [`verdicts.${place}`]: stored },
      } as mongo.UpdateFilter<FlightRow>)
      return matchedCount > 0
    },
    note: async ({ id, recipientId }, verdict) => {
      const rows = verdict.groups.flatMap((group) => group.rows)
      const record = { _id: id, recipientId, rows: rows.map(pack), verdicts: [storedVerdict(verdict, positionIn(rows))] }
      // again, where the answer to the first try was lost
      await flights.replaceOne({ _id: id }, record, { upsert: true })
    },
    takeOver: async (recipientId, id) => {
      const theirs = { recipientId, ...(id === undefined ? {} : { _id: id }) }
      await flights.updateMany(theirs, { $set: { over: true } })
      const found = await flights.find(theirs).toArray()
      for (const { _id } of found) positions.delete(_id)
      return found.map(flightOf)
    },
    read: async (id) => {
      const found = await flights.findOne({ _id: id })
      return found === null ? undefined : flightOf(found)
    },
    forget: async (ids) => {
      if (ids.length === 0) return
      for (const id of ids) positions.delete(id)
      // not waited for: it is durable no later than what is recorded next, and never before what the rows were given
      await flights.deleteMany({ _id: { $in: [...ids] } }, { writeConcern: { w: 1 } })
    },
  }
}
