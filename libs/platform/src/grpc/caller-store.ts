import type { mongo } from 'mongoose'
import type { Clock } from '../clock/index.ts'
import { HeedError } from '../errors/index.ts'
import { callerIdPattern, hashKey, mintKey } from './caller-key.ts'

/** A key as it is kept: only its hash. */
export interface StoredKey {
  hash: Uint8Array
  createdAt: number
  /** Not accepted from this moment on. */
  validUntil?: number
}

/** Who may call, and what. */
export interface StoredCaller {
  id: string
  keys: readonly StoredKey[]
  /** `preferences:write`, `identifiers:resolve:mailchimp`, or with `:*` at the end everything below; `*` is everything. */
  scopes: readonly string[]
  /** Calls a second, and how many at once; the server's own default where absent. */
  ratePerSecond?: number
  burst?: number
  createdAt: number
  revokedAt?: number
}

/** Where callers are looked up. When `find` resolves, the answer is as new as the last acknowledged change of that caller. */
export interface CallerStore {
  find(callerId: string): Promise<StoredCaller | undefined>
}

export interface NewCaller {
  id: string
  scopes: readonly string[]
  ratePerSecond?: number
  burst?: number
}

/** What an operator can do to callers. Keys are shown by the call that makes them and by no other. */
export interface CallerAdministration extends CallerStore {
  addCaller(caller: NewCaller): Promise<{ key: string }>
  listCallers(): Promise<StoredCaller[]>
  /** A new key; the old ones are accepted for the grace time still. */
  rotateCaller(callerId: string, graceMs: number): Promise<{ key: string }>
  /** No key of the caller is accepted any more; its id cannot be used again. */
  revokeCaller(callerId: string): Promise<void>
}

/** There is no such caller, there is one already, or its data are not valid. */
export class CallerError extends HeedError {
  constructor(reason: 'caller.unknown' | 'caller.exists' | 'caller.invalid' | 'caller.revoked', message: string) {
    super(reason, message)
  }
}

/** A caller as a row of `<prefix>_callers.callers`. */
export interface CallerRow {
  _id: string
  keys: { hash: mongo.Binary | Uint8Array; createdAt: Date; validUntil?: Date }[]
  scopes: string[]
  ratePerSecond?: number
  burst?: number
  createdAt: Date
  revokedAt?: Date
}

const scopePattern = /^(?:\*|[a-z0-9-]+(?::[a-z0-9-]+)*(?::\*)?)$/

/** Callers in MongoDB. */
export function mongoCallers(collection: mongo.Collection<CallerRow>, clock: Clock): CallerAdministration {
  const existing = async (callerId: string): Promise<CallerRow> => {
    const row = await collection.findOne({ _id: callerId })
    if (row === null)
      throw new CallerError('caller.unknown', `there is no caller ${callerIdPattern.test(callerId) ? callerId : 'of that name'}`)
    if (row.revokedAt !== undefined) throw new CallerError('caller.revoked', `caller ${row._id} is revoked`)
    return row
  }
  return {
    find: async (callerId) => {
      const row = await collection.findOne({ _id: callerId })
      return row === null ? undefined : fromRow(row)
    },
    listCallers: async () => (await collection.find().sort({ _id: 1 }).toArray()).map(fromRow),
    addCaller: async ({ id, scopes, ratePerSecond, burst }) => {
      if (!callerIdPattern.test(id)) throw new CallerError('caller.invalid', 'a caller id has lower case letters, digits and -, at most 63')
      const wrong = scopes.find((scope) => !scopePattern.test(scope))
      if (wrong !== undefined || scopes.length === 0)
        throw new CallerError('caller.invalid', 'scopes look like preferences:write or identifiers:*')
      const key = mintKey(id)
      const row: CallerRow = {
        _id: id,
        keys: [{ hash: hashKey(key), createdAt: new Date(clock.now()) }],
        scopes: [...scopes],
        createdAt: new Date(clock.now()),
        ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
        ...(burst === undefined ? {} : { burst }),
      }
      try {
        await collection.insertOne(row)
      } catch (thrown) {
        if ((thrown as { code?: unknown }).code === 11_000) throw new CallerError('caller.exists', `there is a caller ${id} already`)
        throw thrown
      }
      return { key }
    },
    rotateCaller: async (callerId, graceMs) => {
      const now = clock.now()
      const { keys } = await existing(callerId)
      const key = mintKey(callerId)
      const graceEnd = new Date(now + graceMs)
      const kept = keys
        .filter(({ validUntil }) => validUntil === undefined || validUntil.getTime() > now)
        .map((old) => ({ ...old, validUntil: old.validUntil !== undefined && old.validUntil < graceEnd ? old.validUntil : graceEnd }))
      await collection.updateOne({ _id: callerId }, { $set: { keys: [...kept, { hash: hashKey(key), createdAt: new Date(now) }] } })
      return { key }
    },
    revokeCaller: async (callerId) => {
      await existing(callerId)
      await collection.updateOne({ _id: callerId }, { $set: { revokedAt: new Date(clock.now()), keys: [] } })
    },
  }
}

const bytesOf = (hash: CallerRow['keys'][number]['hash']): Uint8Array => (ArrayBuffer.isView(hash) ? hash : hash.value())

function fromRow(row: CallerRow): StoredCaller {
  return {
    id: row._id,
    keys: row.keys.map(({ hash, createdAt, validUntil }) => ({
      hash: bytesOf(hash),
      createdAt: createdAt.getTime(),
      ...(validUntil === undefined ? {} : { validUntil: validUntil.getTime() }),
    })),
    scopes: row.scopes,
    createdAt: row.createdAt.getTime(),
    ...(row.ratePerSecond === undefined ? {} : { ratePerSecond: row.ratePerSecond }),
    ...(row.burst === undefined ? {} : { burst: row.burst }),
    ...(row.revokedAt === undefined ? {} : { revokedAt: row.revokedAt.getTime() }),
  }
}
