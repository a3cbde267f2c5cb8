import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ErasureFaultPoint } from '@heed/hub'
import { silentLogger } from '@heed/platform/log'
import { connectMongo, type MongoConnection } from '@heed/platform/mongo'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { type Child, startChild } from './child.ts'
import { openStage, runName, type Stage } from './stage.ts'

let stage: Stage
let policyFile: string
let mongo: MongoConnection
beforeAll(async () => {
  stage = await openStage()
  const shipped = parse(await readFile(new URL('../../deploy/policy/qualified3d.yaml', import.meta.url), 'utf8')) as {
    recipients: { id: string }[]
  }
  policyFile = join(stage.dataDir, 'policy.yaml')
  await writeFile(policyFile, stringify({ ...shipped, recipients: shipped.recipients.filter(({ id }) => id === 'mailchimp') }))
  mongo = await connectMongo({ uri: stage.stack.mongodb.uri, appName: 'faults', log: silentLogger })
})
afterAll(async () => {
  await mongo.stop()
  await stage.close()
})

const person = (value: string) => ({ identifier: { kind: 'IDENTIFIER_KIND_EMAIL' as const, value } })

/** Asks for the erasure until it is answered; whoever is asked may die meanwhile. */
async function eraseUntilAnswered(current: () => Child, address: string, requestId: string): Promise<string> {
  for (;;) {
    try {
      const { status } = await current().clients.preferences.eraseSubject(
        { requestId, subject: person(address), reference: 'desk:1' },
        { deadlineMs: 5_000 },
      )
      return status?.subjectId ?? ''
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function completed(child: Child, subjectId: string): Promise<void> {
  const end = Date.now() + 60_000
  for (;;) {
    const { erasures } = await child.clients.preferences.listErasures({ subjectId })
    if (erasures[0]?.stage === 'ERASURE_STAGE_COMPLETED') return
    if (Date.now() > end) throw new Error(`the erasure stays at ${erasures[0]?.stage}, waiting for ${erasures[0]?.waitingFor}`)
    await child.settle()
    child.turn(60_000)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Lets the hours of a hub pass, each when nothing is under way: a lease must not run out while a vendor answers. */
async function turnUntilItEnds(child: Child): Promise<void> {
  let over = false
  const ended = child.ended.then(() => {
    over = true
  })
  while (!over) {
    await Promise.race([child.settle().catch(() => undefined), ended])
    child.turn(60_000)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function killedAt(point: ErasureFaultPoint) {
  const name = runName(point)
  const proof = join(stage.dataDir, `${name}.fired`)
  const { fault, ...base } = await stage.config(name, { fault: { point, pass: 1, proof } })
  const config = { ...base, hub: { ...base.hub, policyFile } }
  const address = `${name}@example.org`
  stage.sandbox.mailchimp.control.seedMember('l-marketing', address)
  let child = await startChild(fault === undefined ? config : { ...config, fault }, stage.logFile)
  const dying = child
  const asked = eraseUntilAnswered(() => child, address, `erase:${name}`)
  const turning = turnUntilItEnds(dying)
  const end = await dying.ended
  await turning
  dying.clients.close()
  // hours later, so that nobody waits for a lease or a vendor's quiet time
  child = await startChild({ ...config, aheadMs: 3_600_000 }, stage.logFile)
  try {
    const subjectId = await asked
    await completed(child, subjectId)
    await child.settle()
    const again = await eraseUntilAnswered(() => child, address, `erase:${name}`)
    const allowed = (await child.clients.preferences.checkPermission({ subject: person(address), recipientId: 'mailchimp', purpose: '' }))
      .allowed
    return { end, fired: existsSync(proof), subjectId, again, allowed, address, dbPrefix: config.hub.dbPrefix }
  } finally {
    await child.stop()
  }
}

// one of each half; the service alone is killed between any two writes in services/preferences/src/erasure-crash.it.test.ts
const points: readonly ErasureFaultPoint[] = ['erasure-told', 'erasure-keys-destroyed']

describe('a hub that is killed in the middle of an erasure', () => {
  it.each(points)('at %s is erased to the end by the next one, once', async (point) => {
    const { end, fired, subjectId, again, allowed, address, dbPrefix } = await killedAt(point)
    expect([fired, end]).toEqual([true, 'SIGKILL'])
    // the same request is answered with the same erasure
    expect(again).toBe(subjectId)
    expect(allowed).toBe(false)
    expect(stage.sandbox.mailchimp.control.person({ address }).map(({ status }) => status)).toEqual(['forgotten'])
    const database = mongo.database(`${dbPrefix}_preferences`)
    const count = (name: string, filter = {}) => database.collection(name).countDocuments(filter)
    expect(await count('identifiers')).toBe(0)
    expect(await count('subjects', { dataKey: { $exists: true } })).toBe(0)
    expect(await count('suppressions', { _id: { $regex: '^email:' } })).toBe(1)
    expect(await count('erasures')).toBe(1)
    // I2: its versions are 1..n without gap or repeat
    const versions = await database
      .collection('changes')
      .find({}, { sort: { version: 1 } })
      .toArray()
    expect(versions.map(({ version }) => version)).toEqual([1, 2])
    const stages = await database.collection('acts').find({ type: 'heed.subject.erased.v1' }).toArray()
    expect(stages.map(({ stage: reached }) => reached).sort()).toEqual([
      'completed',
      'identifiers-destroyed',
      'recipients-told',
      'requested',
    ])
  })
})
