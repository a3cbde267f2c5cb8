import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ManualClock } from '@heed/platform/clock'
import { silentLogger } from '@heed/platform/log'
import { anOptIn, anOptOut } from '@heed/testkit'
import { expect, it } from 'vitest'
import { testConnector } from './conformance.ts'
import { bulletin } from './example.fixture.ts'
import { referencedCredentials } from './settings.ts'
import { recipient } from './testing.fixture.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const settings = { baseUrl: 'https://bulletin.example', credential: 'env:BULLETIN_KEY', list: 'l1' }
const tasks = [anOptOut('ada@example.org'), anOptIn('bob@example.org')]

testConnector(bulletin, { settings, tasks, answers: [{ via: 'http', status: 200, headers: {}, body: Buffer.from('done\nmalformed') }] })

it('shows the connector that is tried here', () => {
  const code = readFileSync(new URL('./example.fixture.ts', import.meta.url), 'utf8').trim()
  expect(readme).toContain(`\`\`\`ts\n${code}\n\`\`\``)
})

it('names every file that a reader is sent to', () => {
  for (const [, path] of readme.matchAll(/`(src\/[\w./-]+\.ts)`/g))
    expect(() => readFileSync(new URL(`../${path}`, import.meta.url))).not.toThrow()
})

it('tells a real server, with the credential of the moment', async () => {
  const seen: unknown[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    seen.push([request.method, request.url, request.headers.authorization, JSON.parse(Buffer.concat(chunks).toString())])
    response.end('done\ndone')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const here = { ...settings, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  const descriptor = typeof bulletin.descriptor === 'function' ? bulletin.descriptor(here) : bulletin.descriptor
  const credentials = referencedCredentials({ BULLETIN_KEY: 'secret' })
  const transport = bulletin.connect?.(here, {
    recipientId: recipient('bulletin'),
    credentials,
    descriptor,
    clock: new ManualClock(),
    log: silentLogger,
  })
  const [request] = bulletin.plan(tasks, here, { sequence: 0, openedAt: 0, extent: 'delta' })
  if (transport === undefined || request === undefined || request.via === 'nothing') throw new Error('nothing to send')
  const answer = await transport.send(request, { timeoutMs: 2_000, signal: new AbortController().signal })
  expect(answer.via === 'none' ? answer : bulletin.interpret(request, answer, here).outcomes.map(({ outcome }) => outcome.kind)).toEqual([
    'confirmed',
    'confirmed',
  ])
  expect(seen).toEqual([
    [
      'PUT',
      '/lists/l1/suppressions',
      'Bearer secret',
      [
        { addresses: ['ada@example.org'], suppressed: true },
        { addresses: ['bob@example.org'], suppressed: false },
      ],
    ],
  ])
  await transport.close()
  server.closeAllConnections()
  server.close()
})
