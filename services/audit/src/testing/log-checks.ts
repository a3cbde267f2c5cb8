import { decodeEvent, type EventData, type Topics } from '@heed/contracts'
import { parseLeaf } from '@heed/contracts/trail'
import {
  appendLeaves,
  decodeEntries,
  EMPTY_FRONTIER,
  frontierRoot,
  type Hash,
  leafHash,
  type VerifierKey,
  verifyCheckpoint,
} from '@heed/merkle-log'
import type { Kafka } from '@heed/platform/kafka'
import { bytesOf } from '@heed/trail'
import { expect } from 'vitest'
import type { AuditStore } from '../audit-store.ts'

/** The bytes of every entry of the log, in order. */
export async function leavesOf(store: AuditStore): Promise<Uint8Array[]> {
  const bundles = await store.log.bundles.find({}, { sort: { _id: 1 } }).toArray()
  return bundles.flatMap(({ entries }) => decodeEntries(bytesOf(entries)))
}

/** Every checkpoint of this log that was ever published, in the order of the topic. */
export async function publishedOf(kafka: Kafka, topics: Topics, origin: string): Promise<EventData<'heed.checkpoint.signed.v1'>[]> {
  const found: EventData<'heed.checkpoint.signed.v1'>[] = []
  await kafka.replay({
    topics: [topics.checkpoints],
    from: 'start',
    handle: async ({ records }) => {
      for (const record of records) {
        const decoded = decodeEvent({ value: record.value, headers: record.headers }, ['heed.checkpoint.signed.v1'])
        if (decoded.ok && decoded.event.type === 'heed.checkpoint.signed.v1' && decoded.event.data.origin === origin)
          found.push(decoded.event.data)
      }
    },
  })
  return found
}

/**
 * The log has one leaf for each entry, in the order of the trail; every checkpoint that was ever published is a signed statement about the beginning of this very tree; and
 * the newest covers all of it.
 */
export async function expectOneLog(
  store: AuditStore,
  kafka: Kafka,
  topics: Topics,
  origin: string,
  logKeys: readonly VerifierKey[],
  { anyOrder = false }: { anyOrder?: boolean } = {},
): Promise<{ size: number; published: number }> {
  const rows = await store.entries.find({}, { sort: { _id: 1 }, projection: { kind: 1, at: 1 } }).toArray()
  expect(rows.map(({ _id }) => _id)).toEqual(rows.map((_, index) => index))
  const leaves = await leavesOf(store)
  const parsed = leaves.slice(0, rows.length).map((leaf) => parseLeaf(Buffer.from(leaf).toString('utf8')))
  expect(parsed.map((leaf) => [leaf?.kind, leaf?.at])).toEqual(rows.map(({ kind, at }) => [kind, at]))

  const published = await publishedOf(kafka, topics, origin)
  const statements = published.map(({ note }) => {
    const verdict = verifyCheckpoint(note, { origin, logKeys })
    if (!verdict.ok) throw new Error(verdict.detail)
    return verdict.checkpoint
  })
  const sizes = new Set(statements.map(({ size }) => size))
  const roots = new Map<number, Hash>()
  let frontier = EMPTY_FRONTIER
  if (sizes.has(0)) roots.set(0, frontierRoot(frontier))
  for (const leaf of leaves) {
    frontier = appendLeaves(frontier, [leafHash(leaf)])
    if (sizes.has(frontier.size)) roots.set(frontier.size, frontierRoot(frontier))
  }
  for (const { size, rootHash } of statements) expect([size, hex(roots.get(size))]).toEqual([size, hex(rootHash)])
  // never smaller again
  if (!anyOrder) expect(statements.map(({ size }) => size)).toEqual(statements.map(({ size }) => size).sort((a, b) => a - b))

  const row = await store.log.log.findOne({ _id: 'log' })
  expect(row?.size).toBe(rows.length)
  expect(row?.published?.size).toBe(rows.length)
  expect(Math.max(...sizes)).toBe(rows.length)
  return { size: rows.length, published: statements.length }
}

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex')
