import type { Policy, RecipientId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import type { mongo } from 'mongoose'

/** A policy that was served here. */
export interface ServedPolicy {
  /** SHA-256 of its file. */
  readonly sha256: string
  readonly policy: Policy
  /** When what it makes due was begun the last time, ms since the epoch; absent while that has not been asked for. */
  readonly appliedAt?: number
  /** Names what was begun then. */
  readonly application?: string
}

/** A policy as it is kept. Its text is JSON: keys of settings may be any text. */
export interface PolicyRow {
  readonly _id: string
  readonly json: string
  readonly recipientIds: readonly RecipientId[]
  readonly loadedAt: number
  readonly appliedAt?: number
  readonly application?: string
}

/** Policies that were served, and which of them recipients were last told by. */
export interface PolicyStore {
  /** Keeps a policy that is served from now on. The first one ever counts as applied: nobody was told by another one before. */
  keep(sha256: string, policy: Policy): Promise<void>
  /** The one that was applied last. Undefined before the first `keep`. */
  applied(): Promise<ServedPolicy | undefined>
  find(sha256: string): Promise<ServedPolicy | undefined>
  /** From now on it is the one that was applied last. */
  apply(sha256: string, application: string): Promise<void>
  /** Whether any policy that was served here named this recipient. */
  everNamed(recipientId: RecipientId): Promise<boolean>
}

const servedOf = ({ _id, json, appliedAt, application }: PolicyRow): ServedPolicy => ({
  sha256: _id,
  policy: JSON.parse(json) as Policy,
  ...(appliedAt === undefined ? {} : { appliedAt }),
  ...(application === undefined ? {} : { application }),
})

/** The policies of a collection. */
export function policyStore(rows: mongo.Collection<PolicyRow>, clock: Clock): PolicyStore {
  const newestApplied = () => rows.findOne({ appliedAt: { $exists: true } }, { sort: { appliedAt: -1 } })
  const served = (row: PolicyRow | null) => (row === null ? undefined : servedOf(row))
  return {
    keep: async (sha256, policy) => {
      const now = clock.now()
      const first = (await newestApplied()) === null
      const recipientIds = policy.recipients.map(({ id }) => id)
      const row: PolicyRow = {
        _id: sha256,
        json: JSON.stringify(policy),
        recipientIds,
        loadedAt: now,
        ...(first ? { appliedAt: now } : {}),
      }
      try {
        await rows.insertOne(row)
      } catch (thrown) {
        // served before, or by another process at this moment
        if (duplicateKeyIndex(thrown) === undefined) throw thrown
      }
    },
    applied: async () => served(await newestApplied()),
    find: async (sha256) => served(await rows.findOne({ _id: sha256 })),
    apply: async (sha256, application) => {
      await rows.updateOne({ _id: sha256 }, { $set: { appliedAt: clock.now(), application } })
    },
    everNamed: async (recipientId) => (await rows.findOne({ recipientIds: recipientId }, { projection: { _id: 1 } })) !== null,
  }
}
