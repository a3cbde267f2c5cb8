import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TrailEvent } from '@heed/contracts'
import { parseLeaf } from '@heed/contracts/trail'
import {
  decodeEntries,
  leafHash,
  parseCheckpoint,
  parseNote,
  proveConsistency,
  proveInclusion,
  rootOf,
  verifierOf,
  verifyCheckpoint,
  verifyConsistency,
  verifyInclusion,
} from '@heed/merkle-log'
import { bytesOf, tileReader } from '@heed/trail'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditStore } from '../audit-store.ts'
import { accepted, attempted, exampleTime, paused, recipient, requested, resolved, subject } from '../testing/events.ts'
import { type House, openHouse } from '../testing/house.ts'

let house: House
let folder: string
beforeAll(async () => {
  house = await openHouse('log')
  folder = await mkdtemp(join(tmpdir(), 'heed-log-'))
})
afterAll(async () => {
  await house.stop()
  await rm(folder, { recursive: true, force: true })
})

const mailchimp = recipient('mailchimp')

/** So many lives of six entries each. */
function lives(count: number, from = 0): TrailEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const duty = { recipientId: mailchimp, subjectId: subject(from + index), version: 1 }
    return [
      accepted(duty.subjectId, 1),
      requested(duty),
      attempted(duty, { kind: 'accepted', final: false, receipt: `job-${index}` }),
      attempted(duty, { kind: 'confirmed' }, { step: 2 }),
      resolved(duty, exampleTime + index),
      paused(recipient('google-ads'), index % 2 === 0, exampleTime + from + index),
    ]
  }).flat()
}

async function leavesOf(store: AuditStore): Promise<Uint8Array[]> {
  const bundles = await store.log.bundles.find({}, { sort: { _id: 1 } }).toArray()
  return bundles.flatMap(({ entries }) => decodeEntries(bytesOf(entries)))
}

describe('the log', () => {
  it('holds one leaf for each entry, in the order of the trail, under a checkpoint that its key signed', async () => {
    const running = await house.audit()
    await house.tell(...lives(60))
    await running.app.caughtUp()
    await running.app.checkpointed()
    const store = house.store()
    const row = await store.log.log.findOne({ _id: 'log' })
    const { origin, keys } = house.logSettings()
    const verdict = verifyCheckpoint(row?.published?.note ?? '', { origin, logKeys: keys.map(verifierOf) })
    if (!verdict.ok) throw new Error(verdict.detail)
    const { size, rootHash } = verdict.checkpoint
    expect(size).toBe(await store.entries.countDocuments())

    const leaves = await leavesOf(store)
    expect(leaves).toHaveLength(size)
    expect(Buffer.from(rootOf(leaves.map(leafHash))).toString('hex')).toBe(Buffer.from(rootHash).toString('hex'))
    const rows = await store.entries.find({}, { sort: { _id: 1 } }).toArray()
    const parsed = leaves.map((leaf) => parseLeaf(Buffer.from(leaf).toString('utf8')))
    expect(parsed.map((leaf) => [leaf?.kind, leaf?.at])).toEqual(rows.map(({ kind, at }) => [kind, at]))
    expect(leaves.every((leaf) => !/s-[0-9a-hjkmnp-tv-z]{26}/.test(Buffer.from(leaf).toString('utf8')))).toBe(true)
    // one commitment for each subject, and no two with the same
    expect(new Set(parsed.flatMap((leaf) => (leaf?.subject === undefined ? [] : [leaf.subject]))).size).toBe(60)

    const proof = await proveInclusion(7, size, tileReader(store.log))
    expect(verifyInclusion({ leafHash: leafHash(leaves[7] ?? new Uint8Array(0)), index: 7, size, root: rootHash, proof })).toEqual({
      ok: true,
    })
    await running.stop()
  })

  it('goes on after a restart with the tree that was there', async () => {
    const store = house.store()
    const before = await store.log.log.findOne({ _id: 'log' })
    const running = await house.audit()
    await house.tell(...lives(70, 1_000))
    await running.app.caughtUp()
    await running.app.checkpointed()
    await running.stop()
    const after = await store.log.log.findOne({ _id: 'log' })
    const [oldSize, newSize] = [before?.size ?? 0, after?.size ?? 0]
    expect(newSize).toBeGreaterThan(oldSize)
    const proof = await proveConsistency(oldSize, newSize, tileReader(store.log))
    const [oldRoot, newRoot] = [before, after].map((row) => (row === null ? new Uint8Array(0) : bytesOf(row.root)))
    expect(
      verifyConsistency({ oldSize, oldRoot: oldRoot ?? new Uint8Array(0), newSize, newRoot: newRoot ?? new Uint8Array(0), proof }),
    ).toEqual({ ok: true })
    expect(parseCheckpoint(parseNote(after?.published?.note ?? '').text).size).toBe(newSize)
  })
})
