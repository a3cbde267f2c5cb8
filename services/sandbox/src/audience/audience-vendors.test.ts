import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from '../index.ts'
import { type Answer, clientOf } from './test-client.ts'

// what holds for every vendor with audiences, from outside
const vendors = ['google-data-manager', 'meta', 'linkedin', 'x', 'microsoft'] as const
type Name = (typeof vendors)[number]

let sandbox: Sandbox
const ada = 'ada@example.com'
const controlOf = (one: Sandbox, name: Name) => (name === 'google-data-manager' ? one.googleDataManager : one[name]).control
const ask = (name: Name, method: string, path: string, body?: unknown): Promise<Answer> =>
  clientOf(sandbox.url)(method, `/_control/${name}/${path}`, body)

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors })
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  for (const name of vendors) controlOf(sandbox, name).reset()
})

describe.each(vendors)('%s', (name) => {
  it('is seeded over HTTP: in one audience, in all that fit, and with a crowd', async () => {
    const { audiences } = (await ask(name, 'GET', 'audiences')).json
    const [first] = audiences
    expect((await ask(name, 'POST', 'seed', { audienceId: first.id, people: [ada], generate: { count: 3 } })).json).toEqual({ seeded: 4 })
    await ask(name, 'POST', 'seed', { people: [{ addresses: ['bob@example.com'], userIds: ['crm-1'] }] })
    const of = async (address: string) => (await ask(name, 'POST', 'person', { address })).json.beliefs
    expect((await of(ada))[0]).toMatchObject({ audienceId: first.id, address: ada, member: true })
    expect((await of('bob@example.com')).every(({ member }: { member: boolean }) => member)).toBe(true)
    expect((await of('person-3@example.com'))[0].member).toBe(true)
  })
  it('is told of people whom it knows, and refuses what is no person', async () => {
    expect((await ask(name, 'POST', 'know', { people: [ada, { addresses: ['bob@example.com'] }] })).json).toEqual({ known: 2 })
    expect((await ask(name, 'GET', 'state')).json.beliefs[0]).toMatchObject({ address: ada, member: false, keys: [] })
    for (const people of [[{}], [{ address: ada }], [7]]) expect((await ask(name, 'POST', 'know', { people })).status).toBe(400)
    expect((await ask(name, 'POST', 'seed', { audienceId: 'nowhere', people: [ada] })).json.error).toContain('nowhere')
  })
  it('is set up over HTTP, and tells how to connect under the host that was asked', async () => {
    expect((await ask(name, 'POST', 'settings', { latencyMs: 0 })).status).toBe(204)
    expect((await ask(name, 'POST', 'settings', { typo: 1 })).status).toBe(400)
    const { json } = await clientOf(sandbox.url.replace('127.0.0.1', 'localhost'))('GET', `/_control/${name}/connection`)
    expect(json.url).toBe(`http://localhost:${sandbox.port}/${name}`)
    expect(JSON.stringify(json)).not.toContain('127.0.0.1')
  })
  it('takes another audience, and only its own switches', async () => {
    const added = { id: 'new-1', name: 'New' }
    expect((await ask(name, 'POST', 'audiences', added)).json).toEqual(added)
    expect((await ask(name, 'GET', 'audiences')).json.audiences).toContainEqual(added)
    expect((await ask(name, 'POST', 'misbehave', { kind: 'slow', ms: 1 })).status).toBe(200)
    expect((await ask(name, 'POST', 'misbehave', { kind: 'late-ack' })).status).toBe(400)
  })
  it('shows on the page who is in and who is out', async () => {
    controlOf(sandbox, name).seedEverywhere(ada)
    const page = await (await fetch(sandbox.url)).text()
    expect(page).toContain(ada)
  })
})

it('keeps members, known people and what is still to be applied through a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-sandbox-audiences-'))
  const start = () => startSandbox({ port: 0, dataDir: folder, vendors: ['microsoft', 'meta'] })
  try {
    const first = await start()
    first.meta.control.seedEverywhere(ada)
    first.meta.control.configure({ applyDelayMs: 3_600_000 })
    const hash = first.meta.control.person({ address: ada })[0]?.keys[0]?.replace('email:', '')
    const call = clientOf(first.meta.url, { authorization: `Bearer ${first.meta.accessToken}` })
    await call('DELETE', '/v25.0/act_1020304050/usersofanyaudience', { payload: { schema: ['EMAIL'], data: [[hash]] } })
    first.microsoft.control.know([ada])
    await first.stop()

    const second = await start()
    expect(second.meta.control.person({ address: ada })).toMatchObject([{ member: true }])
    expect(second.meta.control.underWay()).toBe(1)
    await second.clock.advance(2 * 3600)
    expect(second.meta.control.person({ address: ada })).toMatchObject([{ member: false }])
    expect(second.microsoft.control.person({ address: ada })).toMatchObject([{ address: ada, member: false }])
    await second.stop()

    const third = await start()
    expect(third.meta.control.person({ address: ada })).toMatchObject([{ member: false }])
    expect(third.meta.control.underWay()).toBe(0)
    await third.stop()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
