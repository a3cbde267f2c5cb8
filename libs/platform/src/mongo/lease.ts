import type { mongo } from 'mongoose'
import type { Clock } from '../clock/index.ts'

/** The row of a lease: `_id` is its name. Times are the database server's, so that clocks of holders don't matter. */
export interface LeaseRow {
  _id: string
  holder: string
  /** Grows by one whenever the lease changes hands or is taken again after it ran out. */
  fence: number
  expiresAt: Date
}

export interface LeaseOptions {
  collection: mongo.Collection<LeaseRow>
  /** What is held, such as `relay`. */
  name: string
  /** Who holds it: unique per process and run. */
  holder: string
  ttlMs: number
  clock: Clock
}

/** The right to be the only one who does something, for a time. */
export interface Lease {
  /** The fence number when the lease is now ours, undefined when somebody else holds it. Holding it already renews it. */
  acquire(): Promise<number | undefined>
  /** Whether it is still ours; false means that it is lost and must be acquired anew. */
  renew(): Promise<boolean>
  /** Gives it up, if it is still ours, so that the next need not wait. */
  release(): Promise<void>
  /**
   * The number to write beside whatever the holder changes. A write that carries a lower number than the row has seen comes
   * from a holder who lost the lease without noticing.
   */
  readonly fence: number | undefined
  /** Whether the lease cannot have run out yet, judged without asking: for a check before each piece of work. */
  isHeld(): boolean
}

/** A lease in a collection. At most one holder has it at any moment of the server's clock. */
export function lease(options: LeaseOptions): Lease {
  const { collection, name, holder, ttlMs, clock } = options
  let fence: number | undefined
  let heldUntil = 0

  const expiry = { $add: ['$$NOW', ttlMs] }
  const remember = (held: number | undefined, askedAt: number): number | undefined => {
    fence = held
    // Counted from before the request left: the server set the expiry later than that.
    heldUntil = held === undefined ? 0 : askedAt + ttlMs
    return fence
  }

  const acquire = async (): Promise<number | undefined> => {
    const askedAt = clock.now()
    const free = { $lte: [{ $ifNull: ['$expiresAt', new Date(0)] }, '$$NOW'] }
    const ours = { $and: [{ $eq: ['$holder', holder] }, { $gt: ['$expiresAt', '$$NOW'] }] }
    const take = () =>
      collection.findOneAndUpdate(
        { _id: name, $expr: { $or: [free, ours] } },
        [
          {
            $set: {
              fence: { $cond: [ours, '$fence', { $add: [{ $ifNull: ['$fence', 0] }, 1] }] },
              holder,
              expiresAt: expiry,
            },
          },
        ],
        { returnDocument: 'after' },
      )
    const row = await take()
    if (row !== null) return remember(row.fence, askedAt)
    // An upsert may not have $expr in its filter, so that the row is made apart, as one that nobody holds.
    const made = await collection.updateOne(
      { _id: name },
      { $setOnInsert: { holder: '', fence: 0, expiresAt: new Date(0) } },
      { upsert: true },
    )
    return remember(made.upsertedCount === 1 ? (await take())?.fence : undefined, askedAt)
  }

  return {
    acquire,
    renew: async () => {
      if (fence === undefined) return false
      const askedAt = clock.now()
      const { matchedCount } = await collection.updateOne({ _id: name, holder, fence, $expr: { $gt: ['$expiresAt', '$$NOW'] } }, [
        { $set: { expiresAt: expiry } },
      ])
      return remember(matchedCount === 0 ? undefined : fence, askedAt) !== undefined
    },
    release: async () => {
      if (fence === undefined) return
      const released = fence
      remember(undefined, clock.now())
      await collection.updateOne({ _id: name, holder, fence: released }, { $set: { expiresAt: new Date(0) } })
    },
    get fence() {
      return fence
    },
    isHeld: () => fence !== undefined && clock.now() < heldUntil,
  }
}

/**
 * Renews a lease that is held when half of it is over, and soon again where the database did not answer. Resolves with `lost` when it is somebody else's or has run out, with `over`
 * when the signal is aborted.
 */
export async function keepLease(
  lease: Pick<Lease, 'renew' | 'isHeld'>,
  { ttlMs, clock, signal }: { readonly ttlMs: number; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<'lost' | 'over'> {
  let waitMs = ttlMs / 2
  for (;;) {
    await clock.sleep(waitMs, signal)
    if (signal.aborted) return 'over'
    waitMs = ttlMs / 2
    const isOurs = await lease.renew().catch(() => {
      waitMs = ttlMs / 10
      return lease.isHeld()
    })
    if (!isOurs) return signal.aborted ? 'over' : 'lost'
  }
}
