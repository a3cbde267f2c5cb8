import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogEntry__Output } from '@heed/contracts/gen/heed/audit/v1/LogEntry.ts'
import { checkDisclosure, type Disclosure, type Leaf, parseLeaf } from '@heed/contracts/trail'
import { changeIdOf, deliveryIdOf } from '@heed/domain'
import { decodeBundle, verifyBundle } from '@heed/evidence'
import {
  cosign,
  decodeEntries,
  formatNote,
  generateSignerKey,
  leafHash,
  parseNote,
  rootOf,
  verifierOf,
  verifyCheckpoint,
  verifyConsistency,
  verifyInclusion,
} from '@heed/merkle-log'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accepted, attempted, exampleTime, paused, recipient, requested, resolved, subject } from '../testing/events.ts'
import { exampleLog, type House, openHouse, type RunningAudit } from '../testing/house.ts'
import type { LogSettings } from './keeper.ts'

let house: House
let running: RunningAudit
let settings: LogSettings
let folder: string
const witness = generateSignerKey('witness.example.net', 'cosignature-v1')
const mailchimp = recipient('mailchimp')
const subjects = 90

beforeAll(async () => {
  house = await openHouse('log-api')
  folder = await mkdtemp(join(tmpdir(), 'heed-log-'))
  settings = { ...exampleLog(`example.org/${house.prefix}`), folder, witnesses: [verifierOf(witness)] }
  running = await house.audit({ trail: settings })
  for (let index = 0; index < subjects; index += 1) {
    const duty = { recipientId: mailchimp, subjectId: subject(index), version: 1 }
    await house.tell(
      accepted(duty.subjectId, 1),
      requested(duty),
      attempted(duty, { kind: 'accepted', final: false, receipt: `job-${index}` }),
      attempted(duty, { kind: 'confirmed' }, { step: 2, at: exampleTime + 60_000 }),
    )
  }
  await house.tell(
    resolved({ recipientId: recipient('google-ads'), subjectId: subject(3), version: 1 }, exampleTime),
    paused(mailchimp, true, exampleTime),
  )
  await running.app.caughtUp()
  await running.app.checkpointed()
})
afterAll(async () => {
  await house.stop()
  await rm(folder, { recursive: true, force: true })
})

const all = subjects * 4 + 2
const trusted = () => ({ origin: settings.origin, logKeys: settings.keys.map(verifierOf) })

async function listed(question: Parameters<RunningAudit['client']['listEntries']>[0]): Promise<LogEntry__Output[]> {
  const found: LogEntry__Output[] = []
  for await (const { entries } of running.client.listEntries(question)) found.push(...entries)
  return found
}

const leafIn = ({ leaf }: LogEntry__Output): Leaf => {
  const parsed = parseLeaf(leaf)
  if (parsed === undefined) throw new Error(`no leaf: ${leaf}`)
  return parsed
}

const disclosureIn = ({ disclosure }: LogEntry__Output): Disclosure => ({
  subjects: (disclosure?.subjects ?? []).map(({ subjectId, salt }) => ({ subjectId, salt })),
  ...(disclosure?.sealed ? { sealed: { text: disclosure.sealed, salt: disclosure.sealedSalt } } : {}),
})

describe('whoever asks the log', () => {
  it('gets a checkpoint that its key signed, over all entries, and the keys', async () => {
    const answer = await running.client.getCheckpoint({})
    const verdict = verifyCheckpoint(answer.checkpoint?.note ?? '', trusted())
    expect(verdict).toMatchObject({ ok: true, checkpoint: { size: all, origin: settings.origin } })
    expect(answer.checkpoint?.size).toBe(all)
    expect(answer.verifierKeys).toHaveLength(1)
    await expect(running.client.getCheckpoint({ size: all + 1 })).rejects.toMatchObject({ reason: 'CHECKPOINT_UNKNOWN' })
  })

  it('gets every entry in order, each with a proof that holds', async () => {
    const entries = await listed({})
    expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: all }, (_, index) => index))
    const { checkpoint, proofs, treeSize } = await running.client.proveInclusion({ sequences: entries.map(({ sequence }) => sequence) })
    expect(treeSize).toBe(all)
    for (const [index, entry] of entries.entries()) {
      const proof = proofs[index]
      const own = leafHash(Buffer.from(entry.leaf))
      expect(Buffer.compare(own, proof?.leafHash ?? Buffer.alloc(0))).toBe(0)
      const claim = {
        leafHash: own,
        index: entry.sequence,
        size: treeSize,
        root: checkpoint?.rootHash ?? Buffer.alloc(0),
        proof: proof?.hashes ?? [],
      }
      expect(verifyInclusion(claim)).toEqual({ ok: true })
      expect(checkDisclosure(leafIn(entry), disclosureIn(entry))).toEqual({ ok: true })
    }
  })

  it('finds those of a subject, a change, a delivery, a kind and a period', async () => {
    const id = subject(3)
    expect((await listed({ subjectId: id })).map((entry) => leafIn(entry).kind).sort()).toEqual([
      'change-accepted',
      'delivery-attempted',
      'delivery-attempted',
      'delivery-requested',
      'delivery-resolved',
    ])
    expect(await listed({ changeId: changeIdOf(id, 1) })).toHaveLength(5)
    expect(await listed({ deliveryId: deliveryIdOf(mailchimp, id, 1) })).toHaveLength(3)
    expect(await listed({ changeId: changeIdOf(id, 2) })).toEqual([])
    expect(await listed({ kinds: ['delivery-resolved', 'recipient-paused'] })).toHaveLength(2)
    const from = { seconds: (exampleTime + 60_000) / 1_000, nanos: 0 }
    const confirmed = await listed({ from, kinds: ['delivery-attempted'] })
    expect(confirmed.length).toBe(subjects * 2)
    expect(await listed({ fromSequence: 10, toSequence: 12 })).toHaveLength(2)
    const [first] = disclosureIn((await listed({ changeId: changeIdOf(id, 1) }))[0] as LogEntry__Output).subjects
    expect(first?.subjectId).toBe(id)
  })

  it('is told what is wrong with a question, field by field', async () => {
    await expect(listed({ subjectId: 'x', deliveryId: 'y', kinds: ['gossip'], fromSequence: -1 })).rejects.toMatchObject({
      violations: [
        { field: 'from_sequence' },
        { field: 'subject_id' },
        { field: 'subject_id' },
        { field: 'delivery_id' },
        { field: 'kinds' },
      ],
    })
    await expect(running.client.proveInclusion({ sequences: [all] })).rejects.toMatchObject({ violations: [{ field: 'sequences' }] })
    await expect(running.client.proveInclusion({ sequences: [] })).rejects.toMatchObject({ violations: [{ field: 'sequences' }] })
    await expect(running.client.proveConsistency({ oldSize: all + 1 })).rejects.toMatchObject({ violations: [{ field: 'old_size' }] })
  })

  it('gets the proof that the log has only grown', async () => {
    const before = await running.client.getCheckpoint({})
    await house.tell(accepted(subject(500), 1))
    await running.app.caughtUp()
    await running.app.checkpointed()
    const { hashes, newSize, checkpoint } = await running.client.proveConsistency({ oldSize: all })
    const claim = {
      oldSize: all,
      oldRoot: before.checkpoint?.rootHash ?? Buffer.alloc(0),
      newSize,
      newRoot: checkpoint?.rootHash ?? Buffer.alloc(0),
    }
    expect(newSize).toBe(all + 1)
    expect(verifyConsistency({ ...claim, proof: hashes })).toEqual({ ok: true })
    // also for one that asks with what it held before
    expect((await running.client.getCheckpoint({ size: all })).checkpoint?.note).toBe(before.checkpoint?.note)
  })

  const exported = async (question: Parameters<RunningAudit['client']['exportEvidence']>[0]): Promise<Uint8Array> => {
    const pieces: Uint8Array[] = []
    let last = 0
    for await (const { chunk, progress } of running.client.exportEvidence(question)) {
      expect(progress).toBeGreaterThanOrEqual(last)
      last = progress
      pieces.push(chunk)
    }
    expect(last).toBe(1)
    return Buffer.concat(pieces)
  }

  it('is exported one file about a subject, the same each time, which proves every entry about it and no other', async () => {
    const question = { subjectId: subject(3), againstSizes: [all] }
    const file = await exported(question)
    expect(Buffer.compare(file, await exported(question))).toBe(0)
    // everything holds but one thing: nobody told this trail the text of the policy
    expect(verifyBundle(file, { policy: trusted() }).findings.map(({ reason }) => reason)).toEqual(['policy.missing'])
    const { entries, olderTrees } = decodeBundle(file).bundle
    expect(entries.map(({ sequence }) => sequence)).toEqual((await listed({ subjectId: subject(3) })).map(({ sequence }) => sequence))
    expect(olderTrees.map(({ size }) => size)).toEqual([all])
  })

  it('is refused an export about nothing, about two things, and about what the trail does not know', async () => {
    await expect(exported({})).rejects.toMatchObject({ violations: [{ field: 'change_id' }] })
    const two = { subjectId: subject(3), changeId: changeIdOf(subject(3), 1) }
    await expect(exported(two)).rejects.toMatchObject({ violations: [{ field: 'change_id' }] })
    await expect(exported({ subjectId: subject(3), againstSizes: [all + 9] })).rejects.toMatchObject({
      violations: [{ field: 'against_sizes' }],
    })
    await expect(exported({ subjectId: subject(900) })).rejects.toMatchObject({ reason: 'EVIDENCE_UNKNOWN' })
  })
})

describe('the log as static files and over HTTP', () => {
  const get = async (path: string) => {
    const { statusCode, body, headers } = await request(`${running.app.trailServer?.url}${path}`)
    return { statusCode, headers, bytes: new Uint8Array(await body.arrayBuffer()) }
  }

  it('is the same in both, and gives the root that was signed', async () => {
    const note = await readFile(join(folder, 'checkpoint'), 'utf8')
    const verdict = verifyCheckpoint(note, trusted())
    if (!verdict.ok) throw new Error(verdict.detail)
    const { size, rootHash } = verdict.checkpoint
    expect(Buffer.from((await get('/checkpoint')).bytes).toString('utf8')).toBe(note)
    const files = ['tile/entries/000', `tile/entries/001.p/${size - 256}`, 'tile/0/000', `tile/0/001.p/${size - 256}`, 'tile/1/000.p/1']
    const entries: Uint8Array[] = []
    for (const file of files) {
      const bytes = new Uint8Array(await readFile(join(folder, file)))
      const served = await get(`/${file}`)
      expect(served.statusCode).toBe(200)
      expect(served.headers['cache-control']).toContain('immutable')
      expect(Buffer.compare(served.bytes, bytes)).toBe(0)
      if (file.includes('entries')) entries.push(...decodeEntries(bytes))
    }
    expect(Buffer.compare(rootOf(entries.map(leafHash)), rootHash)).toBe(0)
    // a partial tile that became a full one is no longer there beside it
    expect(await readdir(join(folder, 'tile/0'))).toEqual(['000', '001.p'])
  })

  it('serves a narrower tile to whoever holds an older checkpoint, and nothing beyond the newest', async () => {
    expect((await get('/tile/0/000.p/3')).bytes).toHaveLength(96)
    expect(decodeEntries((await get('/tile/entries/000.p/3')).bytes)).toHaveLength(3)
    for (const path of [
      '/tile/0/001.p/255',
      '/tile/0/1',
      '/tile/0/002',
      '/tile/7/000',
      '/tile/entries/000.p/0',
      '/tile/x/000',
      '/tile/0/000/..',
      '/nothing',
    ])
      expect((await get(path)).statusCode).toBe(404)
  })

  it('takes the cosignature of a known witness, and of nobody else', async () => {
    const post = async (body: string) =>
      (await request(`${running.app.trailServer?.url}/cosignatures`, { method: 'POST', body })).statusCode
    const note = await readFile(join(folder, 'checkpoint'), 'utf8')
    expect(await running.client.getCheckpoint({ witnessed: true }).catch((thrown: { reason: string }) => thrown.reason)).toBe(
      'CHECKPOINT_UNKNOWN',
    )
    expect(await post(formatNote(cosign(parseNote(note), witness, 1_772_357_400)))).toBe(200)
    const stranger = generateSignerKey('stranger.example.net', 'cosignature-v1')
    expect(await post(formatNote(cosign(parseNote(note), stranger, 1_772_357_400)))).toBe(403)
    expect(await post('rubbish')).toBe(400)
    expect(await post('')).toBe(400)
    const other = note.replace(/\n\d+\n/, '\n1\n')
    expect(await post(formatNote(cosign(parseNote(other), witness, 1_772_357_400)))).toBe(404)

    const { checkpoint } = await running.client.getCheckpoint({ witnessed: true })
    const verdict = verifyCheckpoint(checkpoint?.note ?? '', { ...trusted(), witnessKeys: [verifierOf(witness)], minWitnesses: 1 })
    expect(verdict).toMatchObject({ ok: true, witnessedBy: [{ atSeconds: 1_772_357_400 }] })
  })
})
