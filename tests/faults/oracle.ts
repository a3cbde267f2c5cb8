import { readPolicyFile } from '@heed/contracts'
import { deliveriesFor, type Policy } from '@heed/domain'
import type { HubOptions } from '@heed/hub'
import { changeOf } from '@heed/preferences'
import type { Sandbox } from '@heed/sandbox'
import mongoose from 'mongoose'
import { wrongAtVendors } from './held.ts'

/** What is wrong, by invariant; empty where all hold. */
export type Verdict = readonly string[]

/** What the oracle looks at beside the databases. */
export interface Scene {
  readonly hub: Pick<HubOptions, 'mongoUri' | 'dbPrefix' | 'policyFile'>
  readonly sandbox: Sandbox
  /** Change ids that a caller was given, with the address of the person. */
  readonly acknowledged: ReadonlyMap<string, string>
  /** Recipients that a refusal is brought to by a connector. */
  readonly served: readonly string[]
  /** Everybody whom the vendors know. */
  readonly introduced: readonly string[]
}

interface JournalRow {
  subjectId: string
  version: number
}

/** Reads journal, trail, status and what the vendors believe, at rest, and names every invariant that does not hold. */
export async function judge(scene: Scene): Promise<Verdict> {
  const { mongoUri, dbPrefix, policyFile } = scene.hub
  const policy = await readPolicyFile(policyFile)
  const mongo = await mongoose.createConnection(mongoUri, { readConcern: { level: 'majority' } }).asPromise()
  try {
    const rows = (room: string, collection: string) => mongo.useDb(`${dbPrefix}_${room}`).collection(collection).find({}).toArray()
    const [journal, entries, deliveries] = await Promise.all([
      rows('preferences', 'changes'),
      rows('audit', 'entries'),
      rows('audit', 'deliveries'),
    ])
    return [
      ...judgeJournal(scene, journal as unknown as JournalRow[]),
      ...judgeTrail(scene, entries),
      ...judgeDeliveries(scene, policy, journal, deliveries),
      ...judgeTold(scene, entries, deliveries),
      ...wrongAtVendors(scene.sandbox, { ...scene, refused: new Set(scene.acknowledged.values()) }),
    ]
  } finally {
    await mongo.close()
  }
}

/** I1 and I2: what was acknowledged is there; versions are 1..n. */
function judgeJournal({ acknowledged }: Scene, journal: readonly JournalRow[]): string[] {
  const wrong: string[] = []
  const known = new Set(journal.map(({ subjectId, version }) => `${subjectId}/${version}`))
  for (const changeId of acknowledged.keys())
    if (!known.has(changeId)) wrong.push(`I1: ${changeId} was acknowledged and is not in the journal`)
  const versions = new Map<string, number[]>()
  for (const { subjectId, version } of journal) versions.set(subjectId, [...(versions.get(subjectId) ?? []), version])
  for (const [subjectId, list] of versions) {
    const sorted = list.toSorted((a, b) => a - b)
    if (sorted.some((version, index) => version !== index + 1)) wrong.push(`I2: ${subjectId} has versions ${sorted.join()}`)
  }
  return wrong
}

/** I1: each acknowledged change is in the trail, once; the trail's order has no gap and no repeat. */
function judgeTrail({ acknowledged }: Scene, entries: readonly Record<string, unknown>[]): string[] {
  const wrong: string[] = []
  const sequences = entries.map((entry) => Number(entry.sequence ?? entry._id)).toSorted((a, b) => a - b)
  if (sequences.some((sequence, index) => sequence !== index)) wrong.push('the trail’s sequence has a gap or a repeat')
  const accepted = entries
    .filter(({ kind }) => kind === 'change-accepted')
    .map(({ subjectId, version }) => `${String(subjectId)}/${String(version)}`)
  if (new Set(accepted).size !== accepted.length) wrong.push('a change is in the trail twice')
  const inTrail = new Set(accepted)
  for (const changeId of acknowledged.keys())
    if (!inTrail.has(changeId)) wrong.push(`I1: ${changeId} was acknowledged and is not in the trail`)
  return wrong
}

/** I3 and I10: exactly the deliveries that the policy names, each in an end state where a connector serves it; and the sums come out. */
function judgeDeliveries(
  { served }: Scene,
  policy: Policy,
  journal: readonly Record<string, unknown>[],
  deliveries: readonly Record<string, unknown>[],
): string[] {
  const wrong: string[] = []
  const expected = new Set(journal.flatMap((row) => deliveriesFor(policy, changeOf(row as never)).map(({ id }) => id as string)))
  const found = new Set(deliveries.map(({ _id }) => String(_id)))
  for (const id of expected) if (!found.has(id)) wrong.push(`I3: ${id} is owed and nobody knows of it`)
  for (const id of found) if (!expected.has(id)) wrong.push(`I3: ${id} is known and nobody owes it`)
  for (const row of deliveries)
    if (served.includes(String(row.recipientId)) && row.settled !== true)
      wrong.push(`I3: ${String(row._id)} is ${String(row.state)} (${String(row.wait)})`)
  const settled = deliveries.filter((row) => row.settled === true).length
  const open = deliveries.filter((row) => row.open === true).length
  if (settled + open !== expected.size) wrong.push(`I10: ${expected.size} owed, ${settled} settled and ${open} open`)
  return wrong
}

/** I1 of each delivery: the trail has its request once and the attempt that ended it; nothing is in it twice. */
function judgeTold(
  { served }: Scene,
  entries: readonly Record<string, unknown>[],
  deliveries: readonly Record<string, unknown>[],
): string[] {
  const wrong: string[] = []
  if (new Set(entries.map(({ entryId }) => entryId)).size !== entries.length) wrong.push('an event is in the trail twice')
  const told = (wanted: string) => {
    const times = new Map<string, number>()
    for (const { kind, recipientId, subjectId, version } of entries) {
      const id = `${String(recipientId)}/${String(subjectId)}/${String(version)}`
      if (kind === wanted) times.set(id, (times.get(id) ?? 0) + 1)
    }
    return times
  }
  const [requested, attempted] = [told('delivery-requested'), told('delivery-attempted')]
  for (const { _id, recipientId } of deliveries) {
    const id = String(_id)
    if (requested.get(id) !== 1) wrong.push(`I1: the trail has ${requested.get(id) ?? 0} requests of ${id}`)
    if (served.includes(String(recipientId)) && !attempted.has(id)) wrong.push(`I1: the trail has no attempt of ${id}`)
  }
  return wrong
}
