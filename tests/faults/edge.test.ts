import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Child, startChild } from './child.ts'
import { programOf } from './program.ts'
import { freePort, openStage, peopleOf, runName, type Stage, sceneOf, verdictOf } from './stage.ts'

const root = new URL('../../', import.meta.url).pathname

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

/** The edge as a process of its own, from environment variables alone; resolves when it answers. */
async function startEdge(env: Record<string, string>, port: number): Promise<ChildProcess> {
  const edge = spawn(process.execPath, [await programOf('services/edge/src/main.ts')], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await request(`http://127.0.0.1:${port}/robots.txt`).catch(() => undefined)
    if (answer !== undefined) {
      await answer.body.dump()
      return edge
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the edge does not answer')
}

const killed = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })

it('an edge that is killed with a filled spool, while preferences is away, loses no click and repeats none', async () => {
  const edgePort = await freePort()
  const base = await stage.config(runName('edge'))
  const config = { ...base, hub: { ...base.hub, env: { ...base.hub.env, HEED_PUBLIC_URL: `http://127.0.0.1:${edgePort}` } } }
  const people = peopleOf(stage, 'click', 30)
  let hub: Child = await startChild(config, stage.logFile)
  const { links } = await hub.clients.preferences.createUnsubscribeLinks({
    purpose: 'email-marketing',
    subjects: people.map((value) => ({ identifier: { kind: 'IDENTIFIER_KIND_EMAIL' as const, value } })),
  })
  const keys = JSON.parse(readFileSync(join(config.hub.dataDir, 'keys.json'), 'utf8')) as { HEED_LINK_KEYS: string }
  const callers = JSON.parse(readFileSync(join(config.hub.dataDir, 'callers.json'), 'utf8')) as { edge: string }
  const edgeDir = join(stage.dataDir, 'edge-alone')
  const env = {
    HEED_EDGE_PORT: String(edgePort),
    HEED_PREFERENCES_ADDRESS: hub.addresses.preferences,
    HEED_EDGE_CALLER_KEY: callers.edge,
    HEED_LINK_KEYS: keys.HEED_LINK_KEYS,
    HEED_DATA_DIR: edgeDir,
    HEED_OPERATIONS_PORT: '0',
    LOG_LEVEL: 'silent',
  }
  let edge = await startEdge(env, edgePort)
  await hub.kill()

  for (const { url } of links) {
    // twice each: mail programs do that
    for (const attempt of [1, 2]) {
      const { statusCode, body } = await request(url, {
        method: 'POST',
        body: 'List-Unsubscribe=One-Click',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      await body.dump()
      expect([attempt, statusCode]).toEqual([attempt, 200])
    }
  }
  const spooled = () =>
    readdirSync(join(edgeDir, 'edge-spool'))
      .filter((name) => name.startsWith('clicks-'))
      .reduce((lines, name) => lines + readFileSync(join(edgeDir, 'edge-spool', name), 'utf8').split('\n').length - 1, 0)
  // the proof that the fault was there: every click waits on the disk when the process dies
  expect(spooled()).toBe(60)
  await killed(edge)

  hub = await startChild({ ...config, aheadMs: 3_600_000 }, stage.logFile)
  edge = await startEdge(env, edgePort)
  try {
    for (let tries = 0; spooled() > 0 && tries < 300; tries += 1) await new Promise((resolve) => setTimeout(resolve, 100))
    expect(spooled()).toBe(0)
    const acknowledged = new Map(links.map(({ subjectId }, index) => [`${subjectId}/1`, people[index] ?? '']))
    const wrong = await verdictOf(sceneOf(stage, config.hub, acknowledged, ['mailchimp', 'affiliates']), hub)
    expect(wrong).toEqual([])
    for (const { subjectId } of links) expect((await hub.clients.preferences.getPreferences({ subject: { subjectId } })).version).toBe(1)
  } finally {
    await killed(edge)
    await hub.stop()
  }
})
