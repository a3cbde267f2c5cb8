import type { PolicyDocument } from '@heed/contracts'
import type { MongoConnection } from '@heed/platform/mongo'
import { auditDatabase } from '@heed/trail'
import type { mongo } from 'mongoose'

interface PolicyTextRow {
  /** SHA-256 over the bytes of the file. */
  readonly _id: string
  readonly version: string
  readonly text: string
  readonly firstSeenAt: Date
}

/** The texts of every policy that this house has served, for whoever asks later which one was in force. They are kept for ever. */
export interface PolicyTexts {
  /** Keeps this one; harmless where it is kept already. */
  keep(document: PolicyDocument, now: number): Promise<void>
  /** Those of these hashes that are kept. */
  find(hashes: readonly string[]): Promise<Map<string, string>>
}

/** The texts in `<prefix>_audit.policies`. */
export function policyTexts(connection: Pick<MongoConnection, 'collection'>, databasePrefix: string): PolicyTexts {
  const rows: mongo.Collection<PolicyTextRow> = connection.collection<PolicyTextRow>(auditDatabase(databasePrefix), 'policies')
  return {
    keep: async ({ policy, text, sha256 }, now) => {
      await rows.updateOne(
        { _id: sha256 },
        { $setOnInsert: { version: policy.version, text, firstSeenAt: new Date(now) } },
        { upsert: true },
      )
    },
    find: async (hashes) => {
      const found = await rows.find({ _id: { $in: [...hashes] } }, { projection: { text: 1 } }).toArray()
      return new Map(found.map(({ _id, text }) => [_id, text]))
    },
  }
}
