const unavailableNames = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongooseServerSelectionError',
  'MongoNotConnectedError',
  'MongoTopologyClosedError',
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
  'MongoConnectionPoolClearedError',
  'MongoOperationTimeoutError',
])

// What a server answers while it is no (longer) primary or is going down; the list of the retryable writes specification:
// https://github.com/mongodb/specifications/blob/master/source/retryable-writes/retryable-writes.md
const unavailableCodes = new Set([6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436])

/** Whether the error says that the database is away, so that the same operation may succeed later. The outcome of a write is then unknown. */
export function isMongoUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (unavailableNames.has(error.name)) return true
  const { code, errorResponse } = error as { code?: unknown; errorResponse?: unknown }
  if (typeof code === 'number' && unavailableCodes.has(code)) return true
  // The driver wraps a network error of a bulk write.
  return isMongoUnavailable(error.cause) || (errorResponse !== error && isMongoUnavailable(errorResponse))
}

// WriteConflict, SnapshotUnavailable, TemporarilyUnavailable: the server gave the operation up, did nothing, and would do it a moment later. It tries most of them
// again by itself. https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
const momentaryCodes = new Set([112, 246, 365])

/** Whether the database was there and gave the operation up for a moment. Nothing was written; the same operation may succeed at once. */
export function isMongoMomentary(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errorResponse } = error as { code?: unknown; errorResponse?: unknown }
  if (typeof code === 'number' && momentaryCodes.has(code)) return true
  return isMongoMomentary(error.cause) || (errorResponse !== error && isMongoMomentary(errorResponse))
}

/** The name of the unique index that the row broke, when the error is a duplicate key; else undefined. */
export function duplicateKeyIndex(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, errmsg, message } = error as { code?: unknown; errmsg?: unknown; message?: unknown }
  if (code !== 11_000) return undefined
  const text = typeof errmsg === 'string' ? errmsg : typeof message === 'string' ? message : ''
  // "E11000 duplicate key error collection: db.c index: name collation: {…} dup key: {…}"; a key's value may hold a person, its name does not.
  return / index: (\S+?)(?: collation: .*?)? dup key:/s.exec(text)?.[1] ?? 'unknown'
}
