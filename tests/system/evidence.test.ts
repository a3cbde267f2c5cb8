import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { verifyBundle } from '@heed/evidence'
import {
  EMPTY_EDGE,
  edgeFrontier,
  extendEdge,
  formatCheckpoint,
  formatNote,
  formatSignerKey,
  formatVerifierKey,
  frontierRoot,
  generateSignerKey,
  leafHash,
  memoryTiles,
  parseTilePath,
  parseVerifierKey,
  type SignerKey,
  signNote,
  verifierOf,
  verifyCheckpoint,
} from '@heed/merkle-log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestHub, type TestHub } from './test-hub.ts'

const root = new URL('../../', import.meta.url).pathname
const run = promisify(execFile)
const readme = await readFile(join(root, 'README.md'), 'utf8')

const witness = generateSignerKey('witness.example.net', 'cosignature-v1')
let test: TestHub
let folder: string
let key: string
beforeAll(async () => {
  test = await startTestHub({ environment: { HEED_TRAIL_WITNESSES: formatVerifierKey(verifierOf(witness)) } })
  folder = await mkdtemp(join(tmpdir(), 'heed-evidence-'))
  const { preferences, propagation, audit, trail } = test.hub.addresses
  const file = {
    pid: process.pid,
    grpc: { preferences, propagation, audit },
    http: { trail },
    kafkaBrokers: [],
    mongoUri: '',
    dbPrefix: '',
    topicPrefix: '',
    callers: test.hub.keys,
  }
  await writeFile(join(folder, 'hub.json'), JSON.stringify(file))
  const [signer] = test.hub.trail?.keys ?? []
  if (signer === undefined) throw new Error('the hub keeps no log')
  key = formatVerifierKey(verifierOf(signer))
  // the command line and the verifier as they are shipped
  await run(process.execPath, [join(root, 'deploy/build-service.mjs')], { cwd: join(root, 'services/cli') })
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await test.stop()
})

/** The evidence of a change, once all of it is under a checkpoint. */
async function evidenceOf(changeId: string, name: string): Promise<Uint8Array> {
  await test.hub.settle()
  await heed('trail', 'prove', changeId, '--out', name)
  return new Uint8Array(await readFile(join(folder, name)))
}

function heed(...args: string[]): Promise<{ stdout: string }> {
  return run(process.execPath, [join(root, 'services/cli/bin/heed.mjs'), ...args], {
    cwd: folder,
    env: { ...process.env, HEED_DATA_DIR: folder, HEED_WITNESS_KEY: formatSignerKey(witness) },
  })
}

async function verified(...args: string[]): Promise<{ code: number; text: string; error: string }> {
  try {
    const { stdout, stderr } = await run(process.execPath, ['heed-verify.mjs', ...args], { cwd: folder, env: { PATH: process.env.PATH } })
    return { code: 0, text: stdout, error: stderr }
  } catch (thrown) {
    const { code, stdout, stderr } = thrown as { code: number; stdout: string; stderr: string }
    return { code, text: stdout, error: stderr }
  }
}

describe('the evidence of an opt-out', () => {
  it('is made and checked by the very commands of the README', async () => {
    const { changeId } = await test.optOut('evidence-readme@example.com')
    await test.settled(changeId)
    await test.hub.settle()
    const [, block] = /<!-- run by tests\/system\/evidence\.test\.ts -->\n```sh\n([\s\S]*?)```/.exec(readme) ?? []
    expect(block).toContain('heed-verify.mjs')
    const script = (block ?? '').replaceAll('npx heed', `"${process.execPath}" "${join(root, 'services/cli/bin/heed.mjs')}"`)
    const { stdout } = await run('sh', ['-e', '-c', script], {
      cwd: folder,
      env: { ...process.env, HEED_DATA_DIR: folder, CHANGE: changeId, KEY: key, TRAIL: test.hub.addresses.trail },
    })
    expect(stdout.match(/^OK: /gm)).toHaveLength(2)
    expect(stdout).toMatch(/select-third-parties\s+confirmed/)
  })

  it('says whom the policy names, what is sure and what is not, and holds no address', async () => {
    const { changeId } = await test.optOut('evidence-story@example.com')
    await test.settled(changeId)
    const bytes = await evidenceOf(changeId, 'story.heed.zip')
    expect(Buffer.from(bytes).includes('evidence-story')).toBe(false)
    const verdict = verifyBundle(bytes, { policy: { origin: test.hub.trail?.origin ?? '', logKeys: [parseVerifierKey(key)] } })
    expect(verdict.findings).toEqual([])
    expect(verdict.notices).toEqual([])
    const [change] = verdict.story.changes
    const status = await test.clients.audit.getChangeStatus({ changeId })
    expect(change?.recipients.map(({ recipient }) => recipient)).toEqual(
      status.status?.deliveries.map(({ recipientId }) => recipientId).sort(),
    )
    expect(change?.recipients.find(({ recipient }) => recipient === 'select-third-parties')).toMatchObject({ certainty: 'confirmed' })
  })

  it('of a person holds all her changes, and of a delivery only its own steps', async () => {
    const { changeId, subjectId } = await test.optOut('evidence-scopes@example.com')
    await test.settled(changeId)
    const again = await test.optIn('evidence-scopes@example.com')
    await test.settled(again.changeId)
    const policy = { origin: test.hub.trail?.origin ?? '', logKeys: [parseVerifierKey(key)] }
    const person = verifyBundle(await evidenceOf(subjectId, 'person.heed.zip'), { policy })
    expect(person).toMatchObject({ ok: true })
    expect(person.story.changes.map(({ version }) => version)).toEqual([1, 2])
    const delivery = verifyBundle(await evidenceOf(`mailchimp/${changeId}`, 'delivery.heed.zip'), { policy })
    expect(delivery).toMatchObject({ ok: true })
    expect(delivery.story.changes[0]?.recipients.map(({ recipient }) => recipient)).toEqual(['mailchimp'])
  })

  it('is refused by the verifier with one line where it is damaged, foreign, cut off or signed by somebody else', async () => {
    await heed('trail', 'verifier', '--out', 'heed-verify.mjs')
    const { changeId } = await test.optOut('evidence-damage@example.com')
    await test.settled(changeId)
    const bytes = await evidenceOf(changeId, 'whole.heed.zip')
    expect(await verified('whole.heed.zip', '--key', key)).toMatchObject({ code: 0 })
    const flipped = new Uint8Array(bytes)
    const at = Math.floor(bytes.length / 2)
    flipped[at] = (flipped[at] ?? 0) ^ 4
    const bad: Record<string, Uint8Array> = {
      'flipped.zip': flipped,
      'cut.zip': bytes.subarray(0, bytes.length - 40),
      'longer.zip': Buffer.concat([bytes, Buffer.of(1)]),
      'foreign.zip': Buffer.from('PK\u0003\u0004 something else'),
      'text.zip': Buffer.from('hello'),
      'empty.zip': new Uint8Array(),
    }
    for (const [name, content] of Object.entries(bad)) {
      await writeFile(join(folder, name), content)
      const { code, text, error } = await verified(name, '--key', key)
      expect([1, 2], name).toContain(code)
      expect(text, name).not.toMatch(/^OK/m)
      expect(error, name).not.toMatch(/\n\s+at /)
      if (code === 2) expect(error.trim().split('\n'), name).toHaveLength(1)
    }
    const stranger = formatVerifierKey(verifierOf(generateSignerKey(test.hub.trail?.origin ?? '', 'ed25519')))
    expect(await verified('whole.heed.zip', '--key', stranger)).toMatchObject({ code: 1, text: expect.stringContaining('NOT PROVED') })
    expect(await verified('whole.heed.zip')).toMatchObject({ code: 1, text: expect.stringContaining('trust.no-key') })
    expect(await verified('nowhere.zip', '--key', key)).toMatchObject({ code: 2 })
    expect(await verified('whole.heed.zip', '--key', 'not a key')).toMatchObject({ code: 2 })
  })

  it('carries the cosignature of a witness that follows the log from outside, to whom a fork is an alarm', async () => {
    const { changeId } = await test.optOut('evidence-witness@example.com')
    await test.settled(changeId)
    await test.hub.settle()
    const look = (url: string) => heed('trail', 'witness', url, '--log-key', key, '--state', 'witness.json', '--once')
    expect((await look(test.hub.addresses.trail)).stdout).toContain('consistent, cosigned\n')
    const cosigned = await (await fetch(`${test.hub.addresses.trail}/checkpoint?witnessed`)).text()
    const origin = test.hub.trail?.origin ?? ''
    const policy = { origin, logKeys: [parseVerifierKey(key)], witnessKeys: [verifierOf(witness)], minWitnesses: 1 }
    expect(verifyCheckpoint(cosigned, policy)).toMatchObject({ ok: true })
    const bytes = await evidenceOf(changeId, 'witnessed.heed.zip')
    const verdict = verifyBundle(bytes, { policy })
    expect([verdict.findings, verdict.witnessedBy.length]).toEqual([[], 1])
    const asked = ['--key', key, '--witness', formatVerifierKey(verifierOf(witness)), '--witnesses', '1']
    expect(await verified('witnessed.heed.zip', ...asked)).toMatchObject({ code: 0 })
    // nobody who stands by the log can make one: it takes the witness's own key
    const stranger = formatVerifierKey(verifierOf(generateSignerKey('witness.example.net', 'cosignature-v1')))
    expect(await verified('witnessed.heed.zip', '--key', key, '--witness', stranger, '--witnesses', '1')).toMatchObject({ code: 1 })

    const [signer] = test.hub.trail?.keys ?? []
    if (signer === undefined) throw new Error('the hub keeps no log')
    const forked = await serveLog(
      Array.from({ length: (verdict.checkpoint?.size ?? 0) + 3 }, (_, at) => `another entry ${at}`),
      signer,
    )
    try {
      await expect(look(forked.url)).rejects.toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/ALARM: the log of \d+ entries .* forked/),
      })
      // what it had seen stays what it believes
      expect((await look(test.hub.addresses.trail)).stdout).toContain('consistent, cosigned')
    } finally {
      await forked.stop()
    }
  })

  it('of what the trail does not know is refused', async () => {
    await expect(heed('trail', 'prove', 's-00000000000000000000000000/1')).rejects.toMatchObject({ code: 2 })
    await expect(heed('trail', 'prove', 'nonsense')).rejects.toMatchObject({ code: 2 })
  })
})

/** Another log of that name, signed by its own key, over HTTP. */
async function serveLog(entries: readonly string[], key: SignerKey): Promise<{ url: string; stop(): Promise<void> }> {
  const store = memoryTiles()
  const { edge, tiles } = extendEdge(
    EMPTY_EDGE,
    entries.map((entry) => leafHash(Buffer.from(entry))),
  )
  store.write(tiles)
  const body = formatCheckpoint({ origin: key.name, size: edge.size, rootHash: frontierRoot(edgeFrontier(edge)), extensions: [] })
  const note = formatNote(signNote(body, [key]))
  const server = createServer((request, response) => {
    const path = (request.url ?? '').slice(1)
    if (path === 'checkpoint') return void response.end(note)
    const id = parseTilePath(path)
    store.readTiles([id]).then(
      ([bytes]) => response.end(Buffer.from(bytes ?? []).subarray(0, id.width * 32)),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
