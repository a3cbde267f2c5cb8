import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extendEdge, generateSignerKey, verifierOf } from '@heed/merkle-log'
import { systemClock } from '@heed/platform/clock'
import { binaryOf, bytesOf, emptyTree, extendTree } from '@heed/trail'
import type { mongo } from 'mongoose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accepted, subject } from '../testing/events.ts'
import { exampleLog, type House, openHouse, type RunningAudit, until } from '../testing/house.ts'
import { expectOneLog, leavesOf } from '../testing/log-checks.ts'
import type { LogSettings } from './keeper.ts'
import { storeGrowth } from './log-writer.ts'

let house: House
let folder: string
let settings: LogSettings

beforeAll(async () => {
  house = await openHouse('refusal')
  folder = await mkdtemp(join(tmpdir(), 'heed-log-'))
  settings = { ...exampleLog(`example.org/${house.prefix}`), folder }
})
afterAll(async () => {
  await house.stop()
  await rm(folder, { recursive: true, force: true })
})

const everyCollection = async (): Promise<mongo.Collection[]> => {
  const database = house.mongo.database(`${house.prefix}_audit`)
  return (await database.listCollections()).map(({ name }) => house.mongo.collection(`${house.prefix}_audit`, name))
}

/** The database as it is now, to come back to. */
async function snapshot(): Promise<() => Promise<void>> {
  const held = await Promise.all((await everyCollection()).map(async (rows) => [rows, await rows.find({}).toArray()] as const))
  return async () => {
    for (const rows of await everyCollection()) await rows.deleteMany({})
    for (const [rows, documents] of held) if (documents.length > 0) await rows.insertMany(documents)
  }
}

async function tellSome(from: number, running?: RunningAudit): Promise<void> {
  const app = running ?? (await house.audit({ trail: settings }))
  await house.tell(...Array.from({ length: 30 }, (_, index) => accepted(subject(from + index), 1)))
  await app.app.caughtUp()
  await app.app.checkpointed()
  if (running === undefined) await app.stop()
}

/** Starts a process, which must refuse for this reason, append nothing and say so; then it is stopped. */
async function expectRefusal(reason: string, trail = settings): Promise<string> {
  const entries = await house.store().entries.countDocuments()
  await house.tell(accepted(subject(900_000 + entries), 1))
  const running = await house.audit({ trail })
  const checks = await until(
    () => running.app.readiness(),
    (seen) => seen.some(({ ok }) => !ok),
  )
  const check = checks.find(({ ok }) => !ok)
  expect(check).toMatchObject({ name: 'trail', ok: false })
  expect(check?.detail).toContain(reason)
  // it tries again after a while, and refuses again
  await systemClock.sleep(1_000)
  expect(running.app.leading).toBe(false)
  expect(await house.store().entries.countDocuments()).toBe(entries)
  await running.stop()
  return check?.detail ?? ''
}

describe('a process that finds', () => {
  it('a database that is older than the checkpoint on the topic does not go on with it, and says so', async () => {
    await tellSome(0)
    const older = await snapshot()
    await tellSome(100)
    const newest = await snapshot()
    await older()
    const said = await expectRefusal('trail.rolled-back', { ...settings, folder: undefined })
    expect(said).toMatch(/record \d+ of .* is a checkpoint of 60 entries, and the log in this database has only 30/)
    await newest()
  })

  it('a database that is older than the checkpoint in the folder does not go on with it either', async () => {
    const newest = await snapshot()
    for (const rows of await everyCollection()) await rows.deleteMany({})
    // another topic prefix would be needed to hide the topic: the folder alone is asked here
    const said = await expectRefusal('trail.rolled-back')
    expect(said).toContain('the log in this database has only 0')
    await newest()
  })

  it('an entry rewritten, with every tile and the root made to fit, is stopped by what was published', async () => {
    const kept = await snapshot()
    const store = house.store()
    const leaves = await leavesOf(store)
    leaves[4] = Buffer.from(
      Buffer.from(leaves[4] ?? [])
        .toString('utf8')
        .replace('"denied"', '"granted"'),
    )
    const { tree, tiles, bundles } = extendTree(emptyTree, leaves)
    await storeGrowth(store.log, 1_000, tiles, bundles)
    await store.log.log.updateOne({ _id: 'log' }, { $set: { root: binaryOf(tree.root) } })
    expect(await expectRefusal('trail.forked')).toContain('with another root than this database gives')
    await kept()
  })

  it('a database in which a tile was changed, or is missing, does not go on', async () => {
    const kept = await snapshot()
    const store = house.store()
    const tile = await store.log.tiles.findOne({ _id: '0/0' })
    const bytes = new Uint8Array(bytesOf(tile?.hashes ?? binaryOf(new Uint8Array(0))))
    bytes[40] = (bytes[40] ?? 0) ^ 1
    await store.log.tiles.updateOne({ _id: '0/0' }, { $set: { hashes: binaryOf(bytes) } })
    await expectRefusal('trail.damaged')
    await store.log.tiles.deleteOne({ _id: '0/0' })
    await expectRefusal('trail.damaged')
    await kept()
  })

  it('a database whose last entries were cut off does not go on', async () => {
    const kept = await snapshot()
    const store = house.store()
    await store.entries.deleteMany({ _id: { $gte: 50 } })
    await store.head.updateOne({ _id: 'trail' }, { $set: { next: 50 } })
    expect(await expectRefusal('trail.rolled-back')).toContain('the database holds only 50 of them')
    await kept()
  })

  it('the log of another name, or a checkpoint that its keys did not sign, does not go on', async () => {
    await expectRefusal('trail.other-origin', exampleLog('example.org/other'))
    await expectRefusal('trail.unreadable-checkpoint', { ...settings, keys: [generateSignerKey(settings.origin, 'ed25519')] })
  })

  it('everything as it left it goes on; with a second key beside the first both sign, and then the new one alone', async () => {
    await tellSome(200)
    const fresh = generateSignerKey(settings.origin, 'ed25519')
    const both = { ...settings, keys: [fresh, ...settings.keys] }
    const running = await house.audit({ trail: both })
    // without a single new entry
    const { checkpoint, verifierKeys } = await until(
      () => running.client.getCheckpoint({}),
      (answer) => (answer.checkpoint?.note.match(/\n— /g) ?? []).length === 2,
    )
    expect(verifierKeys).toHaveLength(2)
    expect(checkpoint?.note).toContain(fresh.keyId.length === 8 ? settings.origin : '')
    await tellSome(300, running)
    await running.stop()
    const alone = { ...settings, keys: [fresh], oldKeys: settings.keys.map(verifierOf) }
    const after = await house.audit({ trail: alone })
    await tellSome(400, after)
    await after.stop()
    const keys = [fresh, ...settings.keys].map(verifierOf)
    await expectOneLog(house.store(), house.kafka, house.topics, settings.origin, keys)
  })
})

it('a tree that is built in one go is the tree that is built in many', () => {
  const leaves = Array.from({ length: 600 }, (_, index) => Buffer.from(`leaf ${index}`))
  const whole = extendTree(emptyTree, leaves)
  let grown = emptyTree
  for (let at = 0; at < leaves.length; at += 7) grown = extendTree(grown, leaves.slice(at, at + 7)).tree
  expect(grown).toEqual(whole.tree)
  expect(extendEdge(grown.edge, []).edge).toEqual(grown.edge)
})
