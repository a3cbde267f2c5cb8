import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, expect, it } from 'vitest'
import { md5 } from './mailchimp/test-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'heed-sandbox-main-'))
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'main.ts')], {
    env: { PATH: process.env.PATH, SANDBOX_PORT: '0', SANDBOX_SFTP_PORT: '0', SANDBOX_DATA_DIR: folder, ...env },
  })
  children.push(child)
  return child
}

async function jsonOf(url: string): Promise<ReturnType<typeof JSON.parse>> {
  return (await fetch(url)).json()
}

async function started(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no output')
  for await (const line of createInterface(child.stdout)) {
    const { msg, url } = JSON.parse(line)
    if (msg === 'sandbox.started') return url
  }
  throw new Error('ended before it had started')
}

it('keeps what it answered through a SIGKILL, and ends cleanly on SIGTERM', async () => {
  const killed = run({})
  const url = await started(killed)
  const { audiences } = await jsonOf(`${url}/_control/mailchimp/audiences`)
  const listId = audiences[0].id
  await fetch(`${url}/_control/mailchimp/seed`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ listId, members: [{ email: 'ada@example.com' }] }),
  })
  const { apiKey } = await jsonOf(`${url}/_control/mailchimp/connection`)
  const answer = await fetch(`${url}/mailchimp/3.0/lists/${listId}/members/${md5('ada@example.com')}`, {
    method: 'PATCH',
    headers: { authorization: `Basic ${Buffer.from(`any:${apiKey}`).toString('base64')}` },
    body: '{"status":"unsubscribed"}',
  })
  expect(answer.status).toBe(200)
  killed.kill('SIGKILL')
  await once(killed, 'exit')

  const child = run({})
  const again = await started(child)
  const state = await jsonOf(`${again}/_control/mailchimp/state`)
  expect(state.beliefs).toMatchObject([{ address: 'ada@example.com', status: 'unsubscribed' }])
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
}, 20_000)

it('does not start with a wrong environment, and says which variable', async () => {
  const child = run({ SANDBOX_PORT: 'seventy' })
  let text = ''
  child.stderr?.on('data', (chunk) => {
    text += String(chunk)
  })
  const [code] = await once(child, 'close')
  expect(code).toBe(1)
  expect(text).toContain('SANDBOX_PORT')
}, 20_000)
