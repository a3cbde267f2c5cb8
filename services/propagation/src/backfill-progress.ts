import { toTimestamp } from '@heed/contracts'
import type { BackfillProgress } from '@heed/contracts/gen/heed/propagation/v1/BackfillProgress.ts'
import type { BackfillState } from '@heed/contracts/gen/heed/propagation/v1/BackfillState.ts'
import type { BackfillRow } from './backfill-rows.ts'

const states: Record<BackfillRow['state'], BackfillState> = {
  running: 'BACKFILL_STATE_RUNNING',
  stopped: 'BACKFILL_STATE_STOPPED',
  completed: 'BACKFILL_STATE_COMPLETED',
}

/** A backfill as answers tell of it. */
export function backfillProgress(row: BackfillRow): BackfillProgress {
  return {
    backfillId: row._id,
    recipientId: row.recipientId,
    state: states[row.state],
    scanned: row.scanned,
    published: row.published,
    total: row.total,
    startedAt: toTimestamp(row.startedAt),
    ...(row.endedAt === undefined ? {} : { endedAt: toTimestamp(row.endedAt) }),
  }
}
