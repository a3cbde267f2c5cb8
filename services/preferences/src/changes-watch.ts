import type { Clock } from '@heed/platform/clock'
import { GrpcFault, status } from '@heed/platform/grpc'
import type { Bell } from './bell.ts'
import type { BatchRow, ChangeRow, Store } from './rows.ts'

/** A place in the order of publication: after the row of that index in that batch. */
export interface Place {
  readonly batch: number
  readonly index: number
}

/** The resume token of a place; opaque to callers. */
export function resumeToken({ batch, index }: Place): string {
  return Buffer.from(`v1.${batch}.${index}`, 'latin1').toString('base64url')
}

/** The place of a token, or undefined for a text that is none. */
export function parseResumeToken(token: string): Place | undefined {
  const parts = /^v1\.(0|[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,5})$/.exec(Buffer.from(token, 'base64url').toString('latin1'))
  if (parts === null) return undefined
  const place = { batch: Number(parts[1]), index: Number(parts[2]) }
  return resumeToken(place) === token ? place : undefined
}

const pollMs = 250
const batchesAtOnce = 10

/** Published changes in the order of their publication. */
export interface ChangesWatch {
  /** Where the newest published change stands. */
  newestPlace(): Promise<Place>
  /** Every published change after that place, then each as it is published, until the signal is aborted. Each at least once. */
  from(place: Place, signal: AbortSignal): AsyncGenerator<{ readonly place: Place; readonly row: ChangeRow }>
}

export function changesWatch(options: { readonly store: Store; readonly clock: Clock; readonly published: Bell }): ChangesWatch {
  const { store, clock, published } = options

  const newestPlace = async (): Promise<Place> => {
    const last = await store.batches.findOne({}, { sort: { _id: -1 } })
    return last === null ? { batch: 0, index: 0 } : endOf(last)
  }

  const untilMore = async (signal: AbortSignal) => {
    // a controller of its own for each wait: one that hung on the caller's signal for good would stay in memory for as long as the stream
    const nap = new AbortController()
    const wake = () => nap.abort()
    const unlisten = published.listen(wake)
    signal.addEventListener('abort', wake, { once: true })
    // another process may lead: its batches are only seen by looking
    if (!signal.aborted) await clock.sleep(pollMs, nap.signal)
    signal.removeEventListener('abort', wake)
    unlisten()
  }

  return {
    newestPlace,
    async *from(start, signal) {
      const newest = await newestPlace()
      if (start.batch > newest.batch) throw unknownToken()
      let place = start
      while (!signal.aborted) {
        const batches = await store.batches.find({ _id: { $gte: place.batch } }, { sort: { _id: 1 }, limit: batchesAtOnce }).toArray()
        let moved = false
        for (const batch of batches) {
          const from = batch._id === place.batch ? place.index + 1 : 0
          const ids = batch.ids.slice(from)
          if (ids.length === 0) continue
          const rows = new Map<string, ChangeRow>()
          for (const row of await store.changes.find({ _id: { $in: [...ids] } }, { batchSize: 10_000 }).toArray()) rows.set(row._id, row)
          for (const [offset, id] of ids.entries()) {
            const row = rows.get(id)
            if (row === undefined) continue
            if (signal.aborted) return
            yield { place: { batch: batch._id, index: from + offset }, row }
          }
          place = endOf(batch)
          moved = true
        }
        if (!moved) await untilMore(signal)
      }
    },
  }
}

function endOf(batch: BatchRow): Place {
  return { batch: batch._id, index: Math.max(0, batch.ids.length - 1) }
}

/** INVALID_ARGUMENT: the token is not one of this journal. */
export function unknownToken(): GrpcFault {
  return new GrpcFault({
    code: status.INVALID_ARGUMENT,
    reason: 'UNKNOWN_RESUME_TOKEN',
    message: 'this journal has given no such resume token',
    violations: [{ field: 'resume_token', description: 'use a token that came with a change, or none' }],
  })
}
