import type { EventData } from '@heed/contracts'
import type { RecipientId } from '@heed/domain'
import type { Logger } from '@heed/platform/log'
import type { mongo } from 'mongoose'
import { newToken } from './inbox/line.ts'
import { firstSettledLane, type InboxRow, rowIdOf } from './inbox/row.ts'
import type { RecipientStates } from './worker/recipient-state.ts'

/** What operators tell connectors, applied. Each order may come again, and late: an older one never undoes a newer. */
export interface Controls {
  pausedOrResumed(order: EventData<'heed.recipient.paused.v1'>): Promise<void>
  resolved(order: EventData<'heed.delivery.resolved.v1'>): Promise<void>
}

/** Where a resumed or resolved recipient is woken. */
export interface Steered {
  resumed(recipientId: RecipientId): Promise<void>
  rowsWritten(): void
}

export function createControls(rows: mongo.Collection<InboxRow>, states: RecipientStates, steered: Steered, log: Logger): Controls {
  return {
    pausedOrResumed: async ({ recipientId, paused, by, at }) => {
      const heeded = await states.steer(recipientId, { paused, by, at })
      if (!heeded) return
      log.info({ recipientId, paused, by }, 'recipient.steered')
      // wakes in both cases: a paused worker sees it at its next turn
      await steered.resumed(recipientId)
    },

    resolved: async ({ recipientId, subjectId, version, by, why, evidence, at }) => {
      const entry = {
        version: '$version',
        assertion: '$assertion',
        attempt: '$attempts',
        step: { $literal: 'resolved' },
        outcome: { $literal: { kind: 'resolved', by, why, ...(evidence === undefined ? {} : { evidence }) } },
        at: { $literal: at },
        durationMs: { $literal: 0 },
      }
      // An order older than the assertion is about another time: a replay does not resolve what was asked for again since.
      const open = { _id: rowIdOf(recipientId, subjectId), version, assertion: { $lte: at }, lane: { $lt: firstSettledLane } }
      const result = await rows.updateOne(open, [
        {
          $set: {
            state: { $literal: 'resolved' },
            final: { $literal: true },
            lane: '$$REMOVE',
            dueAt: '$$REMOVE',
            waitReason: '$$REMOVE',
            lease: '$$REMOVE',
            part: '$$REMOVE',
            outbox: { $concatArrays: [{ $ifNull: ['$outbox', []] }, [entry]] },
            outboxTag: { $literal: newToken('out') },
          },
        },
      ])
      if (result.modifiedCount === 0) return
      log.info({ recipientId, subjectId, version, by }, 'delivery.resolved')
      steered.rowsWritten()
    },
  }
}
