import type { RecipientId, SubjectId } from '@heed/domain'
import type { mongo } from 'mongoose'
import { type InboxRow, lanes, priorityOf, rowIdOf } from './row.ts'

/** A part of a walk over all subjects of a recipient. Their ids are random: some that stand side by side are a fair sample. */
export interface Stretch {
  /** The subject behind which it begins; the first one where absent. */
  readonly after: SubjectId | undefined
  /** How many rows are looked at. */
  readonly limit: number
}

/** Where a walk stands after a stretch. */
export interface Walked {
  /** How many rows it has seen. */
  readonly seen: number
  /** How many of them have become due. */
  readonly due: number
  /** The last one seen; absent where there was none behind. */
  readonly last: SubjectId | undefined
}

/** Rows whose duty is fulfilled, so that they can be looked after. Every call is a fixed number of round trips. */
export interface StandingRows {
  /** How many rows wait to be told, now or later, counted no further than `limit`. */
  inLine(recipientId: RecipientId, limit: number): Promise<number>
  /** How many subjects a recipient was ever told about. */
  count(recipientId: RecipientId): Promise<number>
  /**
   * Wants refusals once more, under an assertion of `now` and with as much time as they had before; they stand in the line behind whatever is new. Those that were
   * asked for at `askedBefore` or later stay as they are. When it resolves, that is durable; after a crash in between the same stretch may be walked again.
   */
  wantAgain(recipientId: RecipientId, stretch: Stretch, at: { readonly now: number; readonly askedBefore: number }): Promise<Walked>
  /** Puts confirmed rows up for a read-back; they stay settled. */
  putUpForReadBack(recipientId: RecipientId, stretch: Stretch, at: { readonly now: number }): Promise<Walked>
}

type Seen = Pick<InboxRow, '_id' | 'subjectId' | 'state' | 'final' | 'lane' | 'kind' | 'wanted' | 'acceptedAt' | 'assertion'>
// a settlement is written without waiting for the disk, and is to be seen here
const newest = { readConcern: { level: 'local' } } as const
const projection = { subjectId: 1, state: 1, final: 1, lane: 1, kind: 1, wanted: 1, acceptedAt: 1, assertion: 1 }

/** Whether the recipient is to be told of a settled row once more: it holds a refusal, and nothing has ended that duty in another way. */
function holdsRefusal({ state, final, lane, kind, wanted }: Seen): boolean {
  const told = state === 'confirmed' || state === 'verified' || (state === 'accepted' && final)
  // the identifiers of a person who was erased are gone
  return told && lane === undefined && kind === 'preference' && priorityOf({ kind, wanted, changed: [] }) === lanes.optOut
}

/** The standing rows of an inbox collection. */
export function createStandingRows(rows: mongo.Collection<InboxRow>): StandingRows {
  const rangeOf = (recipientId: RecipientId, after: SubjectId | undefined) => ({
    _id: { $gt: after === undefined ? `${recipientId}/` : rowIdOf(recipientId, after), $lt: `${recipientId}0` },
  })
  const walk = (recipientId: RecipientId, { after, limit }: Stretch): Promise<Seen[]> =>
    rows
      .find(rangeOf(recipientId, after), { projection, batchSize: limit + 1, ...newest })
      .sort({ _id: 1 })
      .limit(limit)
      .toArray()
  const walked = (seen: readonly Seen[], due: number): Walked => ({ seen: seen.length, due, last: seen.at(-1)?.subjectId })

  return {
    inLine: (recipientId, limit) =>
      rows.countDocuments({ recipientId, lane: { $in: [lanes.optOut, lanes.optIn] as number[] } }, { limit, hint: 'line', ...newest }),

    count: (recipientId) => rows.countDocuments(rangeOf(recipientId, undefined), { hint: '_id_', ...newest }),

    wantAgain: async (recipientId, stretch, { now, askedBefore }) => {
      const seen = await walk(recipientId, stretch)
      const ids = seen.filter((row) => holdsRefusal(row) && Math.max(row.acceptedAt, row.assertion) < askedBefore).map(({ _id }) => _id)
      if (ids.length === 0) return walked(seen, 0)
      // what a newer wish has reached meanwhile has its place already
      const stillStanding: mongo.Filter<InboxRow> = { _id: { $in: ids }, lane: { $exists: false }, assertion: { $lt: now } }
      const askedAt = { $max: ['$acceptedAt', '$assertion'] }
      const again = {
        assertion: now,
        deadlineAt: { $add: [now, { $max: [0, { $subtract: ['$deadlineAt', askedAt] }] }] },
        changed: [],
        queuedAt: now,
        priority: { $literal: lanes.optIn },
        state: 'pending',
        final: { $literal: false },
        lane: { $literal: lanes.optIn },
        dueAt: { $max: [now, '$quietUntil'] },
        waitReason: 'waiting_turn',
        part: '$$REMOVE',
        lease: '$$REMOVE',
        ...Object.fromEntries(['attempts', 'failures', 'giveUps', 'drifts', 'skips'].map((name) => [name, { $literal: 0 }])),
      }
      const { modifiedCount } = await rows.updateMany(stillStanding, [{ $set: again }])
      return walked(seen, modifiedCount)
    },

    putUpForReadBack: async (recipientId, stretch, { now }) => {
      const seen = await walk(recipientId, stretch)
      const ids = seen
        .filter(({ state, lane, kind }) => (state === 'confirmed' || state === 'verified') && lane === undefined && kind === 'preference')
        .map(({ _id }) => _id)
      if (ids.length === 0) return walked(seen, 0)
      const stillStanding: mongo.Filter<InboxRow> = { _id: { $in: ids }, lane: { $exists: false } }
      const { modifiedCount } = await rows.updateMany(stillStanding, { $set: { lane: lanes.readBack, dueAt: now } })
      return walked(seen, modifiedCount)
    },
  }
}
