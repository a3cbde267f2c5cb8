import { changeFromEvent, type TrailEvent } from '@heed/contracts'
import { deliveryIdOf } from '@heed/domain'
import {
  decodeEntries,
  encodeEntries,
  formatNote,
  generateSignerKey,
  parseNote,
  type SignerKey,
  signNote,
  verifierOf,
} from '@heed/merkle-log'
import {
  type AuditOptions,
  type AuditReport,
  type AuditState,
  auditedStores,
  auditLog,
  binaryOf,
  bytesOf,
  type EntryRow,
  emptyTree,
  extendTree,
  inThreads,
  type JournalRow,
} from '@heed/trail'
import type { mongo } from 'mongoose'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import type { AuditStore } from '../audit-store.ts'
import { accepted, attempted, recipient, requested, subject } from '../testing/events.ts'
import { type House, openHouse } from '../testing/house.ts'
import { leavesOf } from '../testing/log-checks.ts'
import { storeGrowth } from './log-writer.ts'

const mailchimp = recipient('mailchimp')
const lives = 100
const size = lives * 3

let house: House
let store: AuditStore
let pristine: () => Promise<void>
let older: () => Promise<void>
let olderNote: string
let newestNote: string

const life = (number: number): TrailEvent[] => {
  const duty = { recipientId: mailchimp, subjectId: subject(number), version: 1 }
  return [accepted(subject(number), 1), requested(duty), attempted(duty, { kind: 'confirmed' })]
}

function journalRowOf(event: TrailEvent): JournalRow {
  if (event.type !== 'heed.preference.changed.v1') throw new TypeError('no change')
  const { id, snapshot, acceptedAt, ...rest } = changeFromEvent(event.data)
  return { _id: id, ...snapshot, ...rest, acceptedAt: new Date(acceptedAt), publishedAt: new Date(acceptedAt) }
}

/** The audit database as it is now, to come back to. */
async function snapshot(): Promise<() => Promise<void>> {
  const name = `${house.prefix}_audit`
  const every = async () =>
    (await house.mongo.database(name).listCollections()).map((rows) => house.mongo.collection<mongo.Document>(name, rows.name))
  const held = await Promise.all((await every()).map(async (rows) => [rows, await rows.find({}).toArray()] as const))
  return async () => {
    for (const rows of await every()) await rows.deleteMany({})
    for (const [rows, documents] of held) if (documents.length > 0) await rows.insertMany(documents)
  }
}

const note = async () => (await store.log.log.findOne({ _id: 'log' }))?.published?.note ?? ''

const run = (options: Partial<AuditOptions> = {}): Promise<AuditReport> => {
  const { origin, keys } = house.logSettings()
  return auditLog({
    stores: auditedStores(house.mongo, house.prefix),
    trust: { origin, logKeys: keys.map(verifierOf) },
    settleMs: 0,
    ...options,
  })
}

/** What the audit says, a line for each difference. */
async function said(options: Partial<AuditOptions> = {}): Promise<string[]> {
  const report = await run(options)
  expect(report.ok).toBe(report.differences === 0)
  return report.listed.map(({ check, about }) => `${check}: ${about}`)
}

const entryOfKind = async (kind: EntryRow['kind'], number: number): Promise<EntryRow> => {
  const row = await store.entries.findOne({ kind, subjectId: subject(number) })
  if (row === null) throw new Error('there is no such entry')
  return row
}

async function editLeaf(sequence: number, edit: (text: string) => string): Promise<void> {
  const index = Math.floor(sequence / 256)
  const bundle = await store.log.bundles.findOne({ _id: index })
  if (bundle === null) throw new Error('there is no such bundle')
  const entries = decodeEntries(bytesOf(bundle.entries))
  const before = Buffer.from(entries[sequence % 256] ?? []).toString('utf8')
  expect(edit(before)).not.toBe(before)
  entries[sequence % 256] = Buffer.from(edit(before))
  await store.log.bundles.updateOne({ _id: index }, { $set: { entries: binaryOf(encodeEntries(entries)) } })
}

/** Stores the log of these leaves, tiles and fixed root included, as somebody would who knows how it is made. */
async function rewriteLog(leaves: readonly Uint8Array[]): Promise<void> {
  const { tree, tiles, bundles } = extendTree(emptyTree, leaves)
  await storeGrowth(store.log, 1_000, tiles, bundles)
  await store.log.log.updateOne({ _id: 'log' }, { $set: { size: tree.size, root: binaryOf(tree.root) } })
}

/** Signs what the log says now and stores it as the published checkpoint. */
async function signAgain(key: SignerKey): Promise<void> {
  const row = await store.log.log.findOne({ _id: 'log' })
  if (row === null) throw new Error('there is no log')
  const text = `${house.logSettings().origin}\n${row.size}\n${Buffer.from(bytesOf(row.root)).toString('base64')}\n`
  const signed = formatNote(signNote(text, [key]))
  await store.log.log.updateOne({ _id: 'log' }, { $set: { published: { size: row.size, root: row.root, note: signed, at: new Date() } } })
}

const logKey = () => {
  const [key] = house.logSettings().keys
  if (key === undefined) throw new Error('the log has no key')
  return key
}

beforeAll(async () => {
  house = await openHouse('tamper')
  store = house.store()
  const running = await house.audit()
  const journal = house.mongo.collection<JournalRow>(`${house.prefix}_preferences`, 'changes')
  const numbers = Array.from({ length: lives }, (_, index) => index + 1)
  const tell = async (some: number[]) => {
    await house.tell(...some.flatMap(life))
    await journal.insertMany(some.flatMap((number) => life(number).slice(0, 1)).map(journalRowOf))
    await running.app.caughtUp()
    await running.app.checkpointed()
  }
  await tell(numbers.slice(0, 50))
  older = await snapshot()
  olderNote = await note()
  await tell(numbers.slice(50))
  newestNote = await note()
  await running.stop()
  pristine = await snapshot()
})
beforeEach(() => pristine())
afterAll(async () => {
  await house.mongo.database(`${house.prefix}_preferences`).dropDatabase()
  await house.stop()
})

describe('an audit of the log', () => {
  it('finds nothing where nothing was touched, and counts all of it', async () => {
    const report = await run({ kept: [olderNote, newestNote] })
    expect(report.listed).toEqual([])
    expect(report).toMatchObject({ ok: true, size, differences: 0 })
    expect(report.counts).toMatchObject({ entries: size, changes: lives, deliveries: lives, outcomes: lives, subjects: lives, erased: 0 })
  })

  it('goes on from every place at which it may have been interrupted, to the same findings', async () => {
    const { _id } = await entryOfKind('delivery-requested', 7)
    await store.entries.updateOne({ _id }, { $set: { at: 1 } })
    await store.deliveries.deleteOne({ _id: deliveryIdOf(mailchimp, subject(99), 1) })
    const whole = await run()
    expect(whole.differences).toBe(2)
    const states: AuditState[] = []
    await run({
      rowsAtOnce: 256,
      progress: (_progress, state) => {
        states.push(JSON.parse(JSON.stringify(state())))
      },
    })
    expect(states.length).toBeGreaterThan(3)
    for (const from of states) expect(await run({ from })).toEqual(whole)
    const [first] = states
    if (first === undefined) throw new Error('nothing was told')
    await expect(run({ from: { ...first, next: size + 1 } })).rejects.toThrow(/has only 300/)
  })

  it('comes to the same with both halves at once, and goes on from there', async () => {
    const { _id } = await entryOfKind('delivery-requested', 7)
    await store.entries.updateOne({ _id }, { $set: { at: 1 } })
    await store.deliveries.deleteOne({ _id: deliveryIdOf(mailchimp, subject(99), 1) })
    const whole = await run()
    const beside = inThreads({ uri: inject('mongoUri'), databasePrefix: house.prefix })
    const states: AuditState[] = []
    const progress: AuditOptions['progress'] = (_progress, state) => {
      states.push(JSON.parse(JSON.stringify(state())))
    }
    // what is found first is listed first
    const inOrder = ({ listed, ...report }: AuditReport) => ({ ...report, listed: listed.map(({ about }) => about).toSorted() })
    expect(inOrder(await run({ beside, rowsAtOnce: 256, progress }))).toEqual(inOrder(whole))
    expect(states.length).toBeGreaterThan(3)
    for (const from of states) expect(inOrder(await run({ from }))).toEqual(inOrder(whole))
    // half of it may be through when it is interrupted
    const stopped = new AbortController()
    const interrupted = run({ beside, signal: stopped.signal, progress: () => stopped.abort(new Error('enough')) })
    await expect(interrupted).rejects.toThrow('enough')
  })

  it('comes to the same, however much it reads at a time', async () => {
    await store.deliveries.deleteOne({ _id: deliveryIdOf(mailchimp, subject(50), 1) })
    const whole = await run()
    expect(whole.differences).toBe(1)
    // less than one subject has
    for (const rowsAtOnce of [1, 7, 300]) expect(await run({ rowsAtOnce })).toEqual(whole)
  })

  it('lists the first differences and counts all', async () => {
    await store.deliveries.deleteMany({})
    const report = await run({ maxListed: 10 })
    expect([report.differences, report.listed.length]).toEqual([lives, 10])
  })

  describe('finds', () => {
    it('an entry whose row was edited', async () => {
      const { _id, facts } = await entryOfKind('change-accepted', 5)
      await store.entries.updateOne({ _id }, { $set: { facts: facts?.replace('"denied"', '"granted"') ?? '' } })
      expect(await said()).toEqual([`entry.differs-from-leaf: entry ${_id}`, `change.differs: change ${subject(5)}/1`])
    })

    it('an entry whose own fields were edited beside its facts', async () => {
      const { _id } = await entryOfKind('change-accepted', 5)
      await store.entries.updateOne({ _id }, { $set: { recipientId: mailchimp } })
      expect(await said()).toEqual([`entry.differs-from-facts: entry ${_id}`])
    })

    it('a leaf that was edited in its bundle', async () => {
      const { _id } = await entryOfKind('change-accepted', 5)
      await editLeaf(_id, (text) => text.replace('"denied"', '"granted"'))
      const lines = await said()
      expect(lines).toContain(`leaf.differs-from-tile: entry ${_id}`)
      expect(lines).toContain(`entry.differs-from-leaf: entry ${_id}`)
      expect(lines).toContain(`checkpoint.root: the checkpoint of ${size} entries`)
    })

    it('an entry that was edited in the row and in the leaf alike', async () => {
      const { _id, facts } = await entryOfKind('change-accepted', 5)
      await store.entries.updateOne({ _id }, { $set: { facts: facts?.replace('"denied"', '"granted"') ?? '' } })
      await editLeaf(_id, (text) => text.replace('"denied"', '"granted"'))
      const lines = await said()
      expect(lines).not.toContain(`entry.differs-from-leaf: entry ${_id}`)
      expect(lines).toEqual(expect.arrayContaining([`leaf.differs-from-tile: entry ${_id}`, `change.differs: change ${subject(5)}/1`]))
    })

    it('an entry that was dropped', async () => {
      const { _id } = await entryOfKind('delivery-attempted', 9)
      await store.entries.deleteOne({ _id })
      expect(await said()).toEqual([`entry.missing: entry ${_id}`, `delivery.differs: delivery ${deliveryIdOf(mailchimp, subject(9), 1)}`])
    })

    it('an entry that was dropped and whose place was closed', async () => {
      const leaves = await leavesOf(store)
      await rewriteLog(leaves.filter((_, at) => at !== 40))
      const lines = await said()
      expect(lines).toContain(`log.truncated: ${house.logSettings().origin}`)
      expect(lines).toContain(`checkpoint.root: the checkpoint of ${size} entries`)
    })

    it('an entry that stands there twice', async () => {
      const { _id, ...row } = await entryOfKind('delivery-attempted', 9)
      await store.entries.dropIndex('entryId')
      await store.entries.insertOne({ _id: size, ...row })
      expect(await said()).toEqual([`entry.repeated: entry ${size}`])
      await store.entries.deleteOne({ _id: size })
      await store.ensureIndexes()
      // under an id of its own it tells of something else than its facts
      await store.entries.insertOne({ _id: 20.5, ...row, entryId: 'another' })
      expect(await said()).toContain('entry.extra: entry 20.5')
    })

    it('two entries that changed places', async () => {
      const [a, b] = [await store.entries.findOne({ _id: 10 }), await store.entries.findOne({ _id: 11 })]
      if (a === null || b === null) throw new Error('there are no such entries')
      await store.entries.deleteMany({ _id: { $in: [10, 11] } })
      await store.entries.insertMany([
        { ...a, _id: 11 },
        { ...b, _id: 10 },
      ])
      expect(await said()).toEqual(['entry.differs-from-leaf: entry 10', 'entry.differs-from-leaf: entry 11'])
    })

    it('an entry that was dated anew', async () => {
      const { _id, at } = await entryOfKind('delivery-requested', 3)
      await store.entries.updateOne({ _id }, { $set: { at: at - 86_400_000 } })
      expect(await said()).toEqual([`entry.differs-from-leaf: entry ${_id}`])
      const found = await run()
      expect(found.listed[0]?.why).toContain('at')
    })

    it('an outcome that was changed, in the entry or in the row of its delivery', async () => {
      const deliveryId = deliveryIdOf(mailchimp, subject(3), 1)
      await store.deliveries.updateOne({ _id: deliveryId }, { $set: { state: 'verified', own: 'verified' } })
      expect(await said()).toEqual([`delivery.differs: delivery ${deliveryId}`])
      const { _id, facts } = await entryOfKind('delivery-attempted', 3)
      await store.entries.updateOne({ _id }, { $set: { facts: facts?.replace('"confirmed"', '"verified"') ?? '' } })
      expect(await said()).toContain(`entry.differs-from-leaf: entry ${_id}`)
    })

    it('a delivery without entries, and entries without a delivery', async () => {
      const row = await store.deliveries.findOne({ _id: deliveryIdOf(mailchimp, subject(3), 1) })
      if (row === null) throw new Error('there is no such delivery')
      await store.deliveries.deleteOne({ _id: row._id })
      const invented = deliveryIdOf(mailchimp, subject(3), 2)
      await store.deliveries.insertOne({ ...row, _id: invented, version: 2 })
      expect(await said()).toEqual([`delivery.without-entries: delivery ${invented}`, `delivery.without-row: delivery ${row._id}`])
    })

    it('a log whose end was cut off', async () => {
      await store.entries.deleteMany({ _id: { $gte: 280 } })
      await store.head.updateOne({ _id: 'trail' }, { $set: { next: 280 } })
      const lines = await said()
      expect(lines).toContain(`log.truncated: ${house.logSettings().origin}`)
      expect(lines).toContain('entry.missing: entries 280 to 299')
    })

    it('a log whose end is that of a fork, before it is signed and after', async () => {
      const leaves = await leavesOf(store)
      const forked = leaves.map((leaf, at) =>
        at < 290 ? leaf : Buffer.from(Buffer.from(leaf).toString('utf8').replace('"at":1', '"at":2')),
      )
      await rewriteLog(forked)
      expect(await said()).toEqual(
        expect.arrayContaining([`checkpoint.root: the checkpoint of ${size} entries`, 'entry.differs-from-leaf: entry 290']),
      )
      await signAgain(logKey())
      const lines = await said({ kept: [olderNote, newestNote] })
      expect(lines).toContain(`checkpoint.kept: the checkpoint of ${size} entries`)
      expect(lines).not.toContain(`checkpoint.kept: the checkpoint of ${size / 2} entries`)
    })

    it('a checkpoint that was replaced by an older one', async () => {
      await store.log.log.updateOne({ _id: 'log' }, { $set: { 'published.note': olderNote } })
      expect(await said()).toEqual([`log.row: the checkpoint of ${size} entries`])
    })

    it('a forged signature', async () => {
      const parsed = parseNote(newestNote)
      const forged = newestNote.replace(/\S+\n$/, (text) => `${text.slice(0, 20)}${text[20] === 'A' ? 'B' : 'A'}${text.slice(21)}`)
      expect(parsed.signatures).toHaveLength(1)
      expect(forged).not.toBe(newestNote)
      await store.log.log.updateOne({ _id: 'log' }, { $set: { 'published.note': forged } })
      expect(await said()).toEqual([`checkpoint.signature: the checkpoint of ${size} entries`])
    })

    it('a log that was signed with another key', async () => {
      await signAgain(generateSignerKey(house.logSettings().origin, 'ed25519'))
      expect(await said()).toEqual([`checkpoint.signature: the checkpoint of ${size} entries`])
    })

    it('a database that was rolled back, by a checkpoint that was kept and by the journal', async () => {
      await older()
      const lines = await said({ kept: [newestNote] })
      expect(lines[0]).toBe(`checkpoint.rolled-back: the checkpoint of ${size} entries`)
      expect(lines.slice(1)).toEqual(Array.from({ length: 50 }, (_, at) => `change.without-entry: change ${subject(at + 51)}/1`))
    })

    it('a tile, a bundle or the secrets of a subject that are gone', async () => {
      await store.log.tiles.deleteOne({ _id: '0/0' })
      await store.log.subjects.deleteOne({ _id: subject(4) })
      const lines = await said()
      expect(lines).toContain('tile.missing: tile 0/0')
      expect(lines.filter((line) => line.startsWith('entry.secrets-missing'))).toHaveLength(3)
      await pristine()
      await store.log.bundles.deleteOne({ _id: 0 })
      // the tile beside it still has its hashes: the rest of the tree can be judged
      expect(await said()).toEqual(['bundle.missing: bundle 0'])
    })

    it('an entry that nobody accepted, and one that only looks as if its subject had been erased', async () => {
      const journal = house.mongo.collection<JournalRow>(`${house.prefix}_preferences`, 'changes')
      const row = await journal.findOne({ subjectId: subject(6) })
      if (row === null) throw new Error('there is no such change')
      const { _id } = await entryOfKind('change-accepted', 6)
      await journal.deleteOne({ _id: row._id })
      expect(await said()).toEqual([`entry.without-change: entry ${_id}`])
      await journal.insertOne(row)
      await store.entries.updateOne({ _id }, { $unset: { facts: 1, subjectId: 1 } })
      expect(await said()).toEqual([`change.without-entry: change ${subject(6)}/1`])
    })
  })
})
