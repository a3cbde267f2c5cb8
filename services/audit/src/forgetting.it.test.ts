import type { TrailEvent } from '@heed/contracts'
import type { LogEntry__Output } from '@heed/contracts/gen/heed/audit/v1/LogEntry.ts'
import { parseLeaf } from '@heed/contracts/trail'
import { changeIdOf, deliveryIdOf, type SubjectId } from '@heed/domain'
import { leafHash, verifierOf, verifyCheckpoint, verifyConsistency, verifyInclusion } from '@heed/merkle-log'
import { auditedStores, auditLog } from '@heed/trail'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accepted, attempted, exampleTime, recipient, requested, resolved, subject } from './testing/events.ts'
import { type House, openHouse, type RunningAudit, until } from './testing/house.ts'
import { expectOneLog } from './testing/log-checks.ts'

let house: House
let running: RunningAudit
beforeAll(async () => {
  house = await openHouse('forgetting')
  running = await house.audit()
})
afterAll(() => house.stop())

const mailchimp = recipient('mailchimp')
const ads = recipient('google-ads')
const [ada, alias, bob] = [subject(1), subject(2), subject(3)]

function erasure(stage: 'requested' | 'completed'): TrailEvent {
  return {
    type: 'heed.subject.erased.v1',
    data: {
      actId: `erasure/${stage}`,
      at: exampleTime + 100_000,
      by: 'services/preferences',
      subjectId: ada,
      stage,
      cause: 'request',
      reference: 'ticket-4711',
      mergedSubjectIds: [alias],
      changeId: changeIdOf(ada, 2),
    },
  }
}

const life = (subjectId: SubjectId): TrailEvent[] => [
  accepted(subjectId, 1),
  requested({ recipientId: mailchimp, subjectId, version: 1 }),
  attempted({ recipientId: mailchimp, subjectId, version: 1 }, { kind: 'accepted', final: true, receipt: `job-of-${subjectId}` }),
]

const told: TrailEvent[] = [
  ...life(bob),
  ...life(alias),
  ...life(ada),
  {
    type: 'heed.identifiers.linked.v1',
    data: { actId: 'link/1', at: exampleTime, by: 'accounts', subjectId: ada, kinds: ['email'], mergedSubjectIds: [alias] },
  },
  {
    type: 'heed.operator.acted.v1',
    data: {
      actId: 'act/1',
      at: exampleTime,
      by: 'ops',
      act: 'delivery-resolved',
      deliveryId: deliveryIdOf(mailchimp, ada, 1),
      why: 'asked by phone',
    },
  },
  // heard of before it was asked for
  attempted(
    { recipientId: mailchimp, subjectId: ada, version: 5 },
    { kind: 'deferred', reason: 'unavailable.http-503' },
    { wait: 'recipient_unavailable' },
  ),
  // and one that is still owed
  requested({ recipientId: ads, subjectId: ada, version: 1 }),
  erasure('requested'),
]

async function everything(): Promise<string> {
  const name = `${house.prefix}_audit`
  const parts = await Promise.all(
    (await house.mongo.database(name).listCollections()).map(async (rows) =>
      JSON.stringify([rows.name, await house.mongo.collection(name, rows.name).find({}).toArray()]),
    ),
  )
  return parts.join('\n')
}

const listed = async (): Promise<LogEntry__Output[]> => {
  const found: LogEntry__Output[] = []
  for await (const { entries } of running.client.listEntries({})) found.push(...entries)
  return found
}

const settled = async () => {
  await running.app.caughtUp()
  await running.app.checkpointed()
}
const counts = () =>
  house
    .store()
    .recipients.find({}, { sort: { _id: 1 } })
    .toArray()

describe('a subject that was erased', () => {
  it('is in nothing that audit holds, but for what is still owed, while every older proof still verifies', async () => {
    await house.tell(...told)
    await settled()
    const before = await listed()
    const proven = await running.client.proveInclusion({ sequences: before.map(({ sequence }) => sequence) })
    const countsBefore = await counts()
    expect(before.every(({ disclosure }) => disclosure !== null)).toBe(true)

    await house.tell(erasure('completed'))
    await settled()
    await until(
      () => house.store().entries.countDocuments({ subjectId: { $in: [ada, alias] } }),
      (left) => left === 0,
    )
    await until(
      () => house.store().forgetting.countDocuments({}),
      (left) => left === 1,
    )
    // the alias owes nothing to anybody; of Ada one delivery is open still
    const text = await everything()
    expect(text).not.toContain(alias)
    expect(text).not.toContain(`job-of-${ada}`)
    expect(text).not.toContain('asked by phone')
    const open = await running.client.listOpenDeliveries({})
    expect(open.deliveries.map(({ deliveryId }) => deliveryId)).toEqual([deliveryIdOf(ads, ada, 1)])
    expect(
      text.replaceAll(`"google-ads/${ada}`, '').replaceAll(`"subjectId":"${ada}"`, '').replaceAll(`["forgetting",[{"_id":"${ada}"`, ''),
    ).not.toContain(ada)

    const after = await listed()
    expect(after.slice(0, before.length).map(({ leaf }) => leaf)).toEqual(before.map(({ leaf }) => leaf))
    for (const entry of after) {
      const isBobs = before.find(({ sequence }) => sequence === entry.sequence)?.disclosure?.subjects[0]?.subjectId === bob
      expect([entry.sequence, entry.disclosure !== null]).toEqual([entry.sequence, isBobs])
    }
    // what was proved before still is, against the old checkpoint and as a part of the new tree
    const { origin, keys } = house.logSettings()
    const old = verifyCheckpoint(proven.checkpoint?.note ?? '', { origin, logKeys: keys.map(verifierOf) })
    if (!old.ok) throw new Error(old.detail)
    for (const [index, entry] of before.entries()) {
      const claim = {
        leafHash: leafHash(Buffer.from(entry.leaf)),
        index: entry.sequence,
        size: old.checkpoint.size,
        root: old.checkpoint.rootHash,
      }
      expect(verifyInclusion({ ...claim, proof: proven.proofs[index]?.hashes ?? [] })).toEqual({ ok: true })
    }
    const grown = await running.client.proveConsistency({ oldSize: old.checkpoint.size })
    const claim = {
      oldSize: old.checkpoint.size,
      oldRoot: old.checkpoint.rootHash,
      newSize: grown.newSize,
      newRoot: grown.checkpoint?.rootHash ?? Buffer.alloc(0),
    }
    expect(verifyConsistency({ ...claim, proof: grown.hashes })).toEqual({ ok: true })

    // counts are what they were, but for the outcome without a request, which is gone
    const countsAfter = await counts()
    expect(countsAfter).toEqual(countsBefore.map((row) => (row._id === mailchimp ? { ...row, unrequested: 0 } : row)))
  })

  it('leaves nothing at all once what was owed is settled, and what comes late is in the log without a name', async () => {
    const size = (await listed()).length
    await house.tell(resolved({ recipientId: ads, subjectId: ada, version: 1 }, exampleTime + 200_000, 'officer', 'gone by hand'))
    await settled()
    await until(
      () => house.store().forgetting.countDocuments({}),
      (left) => left === 0,
    )
    await house.tell(attempted({ recipientId: mailchimp, subjectId: ada, version: 1 }, { kind: 'verified' }, { step: 9 }))
    await settled()
    await until(everything, (text) => !text.includes(ada))
    await until(
      () => house.store().log.log.findOne({ _id: 'log' }),
      (row) => (row?.clean ?? []).length === 0,
    )
    const late = (await listed()).slice(size)
    expect(late).toHaveLength(2)
    const commitments = late.map(({ leaf }) => parseLeaf(leaf)?.subject)
    // made up for them: nothing says that they are about the person of the earlier entries
    const earlier = new Set((await listed()).slice(0, size).map(({ leaf }) => parseLeaf(leaf)?.subject))
    expect(commitments.some((commitment) => earlier.has(commitment))).toBe(false)
    expect((await counts()).find(({ _id }) => _id === ads)).toMatchObject({ requested: 1, open: 0, resolved: 1 })
  })

  it('does not come back when the topics are read again from the start', async () => {
    const before = await house.store().entries.countDocuments()
    const countsBefore = await counts()
    await running.stop()
    running = await house.audit({ config: { HEED_AUDIT_GROUP: `${house.prefix}.again` } })
    await settled()
    expect(await house.store().entries.countDocuments()).toBe(before)
    expect(await everything()).not.toContain(ada)
    expect(await counts()).toEqual(countsBefore)
    const { origin, keys } = house.logSettings()
    await expectOneLog(house.store(), house.kafka, house.topics, origin, keys.map(verifierOf))
  })

  it('is counted by an audit, and not called a difference', async () => {
    const { origin, keys } = house.logSettings()
    const report = await auditLog({
      stores: auditedStores(house.mongo, house.prefix),
      trust: { origin, logKeys: keys.map(verifierOf) },
      settleMs: 0,
    })
    // there is no journal in this house
    expect(report.listed.map(({ check, about }) => [check, about])).toEqual([
      ['entry.without-change', expect.stringMatching(/^entry \d+$/)],
    ])
    expect(report.counts.erased).toBeGreaterThan(5)
  })
})
