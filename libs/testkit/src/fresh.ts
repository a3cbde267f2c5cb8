import { randomBytes } from 'node:crypto'

/** A database name that no other test uses, so that tests in parallel never meet. At most 63 bytes, MongoDB's limit. */
export function freshDatabaseName(prefix: string): string {
  return fresh(prefix, 63)
}

/** A prefix for topics, consumer groups and client ids that no other test uses; short enough to be followed by 150 characters (Kafka's limit is 249). */
export function freshTopicPrefix(prefix: string): string {
  return fresh(prefix, 99)
}

// Letters, digits, `_` and `-` are what both MongoDB and Kafka allow everywhere.
function fresh(prefix: string, limit: number): string {
  const ending = `-${randomBytes(6).toString('hex')}`
  return `${prefix.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, limit - ending.length)}${ending}`
}
