import { createHash, randomBytes } from 'node:crypto'
import {
  type Choice,
  type Delivery,
  deliveryIdOf,
  type PurposeKey,
  parseRecipientId,
  type RecipientId,
  type SubjectId,
  subjectIdOf,
} from '@heed/domain'
import { silentLogger } from '@heed/platform/log'
import { connectMongo, type MongoConnection } from '@heed/platform/mongo'
import type { mongo } from 'mongoose'
import { inject } from 'vitest'
import { createInboxIndexes } from './inbox/inbox.ts'
import type { InboxRow } from './inbox/row.ts'

/** The moment at which the examples of this room happen. */
export const startTime = Date.UTC(2026, 2, 1, 9, 30)

export const recipient = (text = 'mail-provider'): RecipientId => {
  const id = parseRecipientId(text)
  if (id === undefined) throw new RangeError('no recipient id')
  return id
}

export const subject = (name: string): SubjectId => subjectIdOf(createHash('sha256').update(name).digest().subarray(0, 16))

export const marketing = 'email-marketing' as PurposeKey

/** What a recipient must hold, as it stands on a topic. */
export function aDelivery(name: string, version: number, choice: Choice = 'denied', more: Partial<Delivery> = {}): Delivery {
  const recipientId = more.recipientId ?? recipient()
  const subjectId = subject(name)
  return {
    id: deliveryIdOf(recipientId, subjectId, version),
    recipientId,
    subjectId,
    version,
    assertion: 0,
    kind: 'preference',
    wanted: { [marketing]: choice },
    changed: [marketing],
    evidence: {},
    changeId: `${subjectId}/${version}` as Delivery['changeId'],
    policyVersion: '1.0',
    acceptedAt: startTime + version,
    deadlineAt: startTime + 86_400_000,
    ...more,
  }
}

export interface TestRows {
  readonly connection: MongoConnection
  readonly database: string
  readonly rows: mongo.Collection<InboxRow>
  end(): Promise<void>
}

/** An inbox collection of its own on the real database of the run. */
export async function openRows(): Promise<TestRows> {
  const connection = await connectMongo({ uri: inject('mongoUri'), appName: 'connector-kit-test', log: silentLogger })
  const database = `kit-${randomBytes(6).toString('hex')}`
  const rows = connection.collection<InboxRow>(database, 'inbox')
  await createInboxIndexes(rows)
  return {
    connection,
    database,
    rows,
    end: async () => {
      await connection.database(database).dropDatabase()
      await connection.stop()
    },
  }
}
