import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runHeed } from '@heed/cli'
import { loadService } from '@heed/contracts'
import type { GetCheckpointResponse__Output } from '@heed/contracts/gen/heed/audit/v1/GetCheckpointResponse.ts'
import type { ListEntriesRequest } from '@heed/contracts/gen/heed/audit/v1/ListEntriesRequest.ts'
import type { ListEntriesResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ListEntriesResponse.ts'
import type { ProveConsistencyResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ProveConsistencyResponse.ts'
import type { ErasureStatus__Output } from '@heed/contracts/gen/heed/preferences/v1/ErasureStatus.ts'
import { verifyConsistency } from '@heed/merkle-log'
import { closeClient, grpcClient, type ServerStreamCall, type UnaryCall } from '@heed/platform/grpc'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { startTestHub, type TestHub } from './test-hub.ts'

/** A person who exists nowhere else, under three names. */
const canary = { email: 'canary.wren.91b2@example.org', second: 'canary.lark.91b2@example.com', userId: 'canary-user-91b2' }
/** What she once granted stands on this, and her account's own mark. */
const traces = { evidence: 'evidence-91b2', origin: 'origin-91b2' }

interface LogClient {
  getCheckpoint: UnaryCall<Record<string, never>, GetCheckpointResponse__Output>
  proveConsistency: UnaryCall<{ oldSize: number }, ProveConsistencyResponse__Output>
  listEntries: ServerStreamCall<ListEntriesRequest, ListEntriesResponse__Output>
}

/** One recipient of each kind: erased at once, asked and never answered, only left out, and a person. */
const recipients = ['mailchimp', 'google-analytics', 'meta', 'public', 'stripe']

let test: TestHub
let folder: string
let log: LogClient
let subjectId: string
let planned: string
let final: ErasureStatus__Output
let sizeBefore: number
let rootBefore: Buffer
let leavesBefore: readonly string[]
let hiddenBefore: string

const subject = (value: string) => ({ identifier: { kind: 'IDENTIFIER_KIND_EMAIL' as const, value } })
const identifier = (kind: 'IDENTIFIER_KIND_EMAIL' | 'IDENTIFIER_KIND_USER_ID', value: string) => ({ kind, value })

async function heed(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { preferences, propagation, audit } = test.hub.addresses
  const said = { code: 0, out: '', err: '' }
  said.code = await runHeed(args, {
    env: {
      HEED_PREFERENCES_ADDRESS: preferences,
      HEED_PROPAGATION_ADDRESS: propagation,
      HEED_AUDIT_ADDRESS: audit,
      HEED_CALLER_KEY: test.hub.keys.operator,
    },
    write: (text) => {
      said.out += text
    },
    writeError: (text) => {
      said.err += text
    },
  })
  return said
}

async function leaves(below: number): Promise<string[]> {
  const found: string[] = []
  for await (const { entries } of log.listEntries({})) for (const { sequence, leaf } of entries) if (sequence < below) found.push(leaf)
  return found
}

/** Every database of this hub as text. */
async function everyRow(): Promise<string> {
  const { mongo, dbPrefix } = test.hub
  const admin = mongo.database('admin').db?.admin()
  const { databases } = (await admin?.listDatabases()) ?? { databases: [] }
  let text = ''
  for (const { name } of databases.filter((one) => one.name.startsWith(`${dbPrefix}_`))) {
    const database = mongo.database(name)
    for (const { name: rows } of await database.listCollections())
      text += `${name}.${rows} ${JSON.stringify(await database.collection(rows).find({}).toArray())}\n`
  }
  return text
}

async function everyRecord(): Promise<string> {
  let text = ''
  await test.hub.kafka.replay({
    topics: new RegExp(`^${test.hub.topicPrefix}\\.`),
    from: 'start',
    handle: async ({ topic, records }) => {
      for (const { key, value, headers } of records) text += `${topic} ${key} ${value?.toString() ?? ''} ${JSON.stringify(headers)}\n`
    },
  })
  return text
}

/** The duties of persons are done, so that nobody waits for them. */
async function doDuties(changeId: string): Promise<void> {
  if (changeId === '') return
  const { status } = await test.clients.audit.getChangeStatus({ changeId }).catch(() => ({ status: null }))
  for (const { deliveryId, state } of status?.deliveries ?? []) {
    if (state === 'DELIVERY_STATE_NEEDS_PERSON')
      await test.clients.propagation.resolveDelivery({ deliveryId, resolvedBy: 'moderator', why: 'taken down', evidence: 'ticket:1' })
  }
}

async function erasureNow(): Promise<ErasureStatus__Output> {
  const { erasures } = await test.clients.preferences.listErasures({ subjectId })
  const [status] = erasures
  if (status === undefined) throw new Error('there is no erasure')
  return status
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-erasure-'))
  const shipped = parse(await readFile(new URL('../../deploy/policy/qualified3d.yaml', import.meta.url), 'utf8')) as {
    recipients: { id: string }[]
  }
  const policyFile = join(folder, 'policy.yaml')
  await writeFile(policyFile, stringify({ ...shipped, recipients: shipped.recipients.filter(({ id }) => recipients.includes(id)) }))
  test = await startTestHub({ policyFile })
  log = grpcClient<LogClient>(loadService('heed.audit.v1.AuditService'), { address: test.hub.addresses.audit, key: test.hub.keys.operator })
  const { preferences } = test.clients
  for (const address of [canary.email, canary.second]) test.sandbox.mailchimp.control.seedMember('l-marketing', address)
  const now = test.clock.now()
  const granted = await preferences.setPreferences({
    requestId: 'erasure-grant',
    subject: subject(canary.email),
    choices: [{ purpose: 'email-marketing', choice: 'CHOICE_GRANTED' }],
    origin: 'ORIGIN_KIND_PERSON',
    originReference: traces.origin,
    evidence: { kind: 'EVIDENCE_KIND_FORM', reference: traces.evidence, collectedAt: { seconds: Math.floor(now / 1000) - 60, nanos: 0 } },
  })
  subjectId = granted.subjectId
  await preferences.linkIdentifiers({
    requestId: 'erasure-link',
    subject: { subjectId },
    identifiers: [identifier('IDENTIFIER_KIND_EMAIL', canary.second), identifier('IDENTIFIER_KIND_USER_ID', canary.userId)],
    origin: 'ORIGIN_KIND_INTERNAL_SERVICE',
  })
  await test.hub.settle()
  const checkpoint = (await log.getCheckpoint({})).checkpoint
  sizeBefore = checkpoint?.size ?? 0
  rootBefore = checkpoint?.rootHash ?? Buffer.alloc(0)
  leavesBefore = await leaves(sizeBefore)
  hiddenBefore = await everyRow()
  planned = (await heed('erase', canary.second, '--plan')).out
  const begun = await heed('erase', canary.second, '--reference', 'desk:91b2', '--yes', '--json')
  if (begun.code !== 0) throw new Error(begun.err)
  await test.until(async () => {
    final = await erasureNow()
    await doDuties(final.denialChangeId)
    await doDuties(final.erasureChangeId)
    // nobody waits for the pace of looks, for jobs of vendors, or for their quiet time
    test.clock.turn(60_000)
    await new Promise((resolve) => setTimeout(resolve, 150))
    return final.stage === 'ERASURE_STAGE_COMPLETED'
  }, 'the erasure is completed')
  await test.hub.settle()
}, 180_000)
afterAll(async () => {
  closeClient(log)
  await test.stop()
  await rm(folder, { recursive: true, force: true })
})

const leaks = (text: string, among: readonly string[] = Object.values(canary)) =>
  among.filter((secret) => text.toLowerCase().includes(secret.toLowerCase()))

describe('a person with three identifiers who is erased', () => {
  it('was shown what would happen first', () => {
    for (const said of ['2 × email', '1 × user-id', 'told to erase', 'mailchimp', 'these do not erase', 'this stays'])
      expect(planned).toContain(said)
  })

  it('is deleted for good at the vendor that can, under each of her addresses, and confirmed', async () => {
    for (const address of [canary.email, canary.second])
      expect(test.sandbox.mailchimp.control.person({ address }).map(({ status }) => status)).toEqual(['forgotten'])
  })

  it('was erased because everybody had settled, and not because time ran out', async () => {
    expect(final).toMatchObject({ stage: 'ERASURE_STAGE_COMPLETED', cause: 'ERASURE_CAUSE_REQUEST', openDeliveries: 0 })
    const text = await everyRecord()
    expect(text).toContain('"stage":"identifiers-destroyed"')
    expect(text).toContain('"because":"recipients-settled"')
  })

  it('cannot be decrypted: no data key and no sealed identifier is in the vault', async () => {
    const database = test.hub.mongo.database(`${test.hub.dbPrefix}_preferences`)
    expect(hiddenBefore).toContain('"sealed"')
    expect(await database.collection('identifiers').countDocuments()).toBe(0)
    expect(await database.collection('subjects').countDocuments({ dataKey: { $exists: true } })).toBe(0)
    expect(await database.collection('suppressions').countDocuments({ _id: { $regex: '^(?:email|user-id):' } as never })).toBe(3)
  })

  it('is in no collection of any database, no topic and no log', async () => {
    const rows = await everyRow()
    expect(rows.length).toBeGreaterThan(5_000)
    expect(leaks(rows)).toEqual([])
    const records = await everyRecord()
    expect(records.split('\n').length).toBeGreaterThan(20)
    expect(leaks(records)).toEqual([])
    expect(test.log().length).toBeGreaterThan(10_000)
    expect(leaks(test.log())).toEqual([])
  })

  it('has left no evidence and no reference of her own in any database', async () => {
    expect(leaks(hiddenBefore, Object.values(traces))).toEqual(Object.values(traces))
    // audit takes her out of its rows a moment later
    await test.until(async () => {
      test.clock.turn(10_000)
      return leaks(await everyRow(), Object.values(traces)).length === 0
    }, 'no trace of her evidence is left')
  })

  it('stays suppressed: a re-import is refused, keeps nothing, and she may not be written to', async () => {
    const { preferences } = test.clients
    const choices = [{ purpose: 'email-marketing', choice: 'CHOICE_GRANTED' as const }]
    const evidence = {
      kind: 'EVIDENCE_KIND_FORM' as const,
      reference: 'crm-1',
      collectedAt: { seconds: Math.floor(Date.now() / 1000) - 3_600, nanos: 0 },
    }
    for (const address of [canary.email, canary.second]) {
      const item = { subject: subject(address), choices, evidence }
      await expect(
        preferences.setPreferences({ ...item, requestId: `re-${address.length}`, origin: 'ORIGIN_KIND_IMPORT' }),
      ).rejects.toThrow()
      await expect(
        preferences.setPreferences({ ...item, requestId: `old-${address.length}`, origin: 'ORIGIN_KIND_PERSON' }),
      ).rejects.toThrow()
      const check = { subject: subject(address), recipientId: 'mailchimp', purpose: '' }
      expect((await preferences.checkPermission(check)).allowed).toBe(false)
    }
    expect(await test.hub.mongo.database(`${test.hub.dbPrefix}_preferences`).collection('identifiers').countDocuments()).toBe(0)
  })

  it('leaves every older entry of the log as it stood, and the log has only grown', async () => {
    expect(leavesBefore).toHaveLength(sizeBefore)
    expect(sizeBefore).toBeGreaterThan(3)
    expect(await leaves(sizeBefore)).toEqual(leavesBefore)
    const grown = await log.proveConsistency({ oldSize: sizeBefore })
    const claim = {
      oldSize: sizeBefore,
      oldRoot: rootBefore,
      newSize: grown.newSize,
      newRoot: grown.checkpoint?.rootHash ?? Buffer.alloc(0),
    }
    expect(grown.newSize).toBeGreaterThan(sizeBefore)
    expect(verifyConsistency({ ...claim, proof: grown.hashes })).toEqual({ ok: true })
  })
})
