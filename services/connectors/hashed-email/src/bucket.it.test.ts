import {
  type BatchContext,
  type FileRequest,
  type PlannedRequest,
  referencedCredentials,
  type Task,
  type Transport,
} from '@heed/connector-kit'
import type { Outcome } from '@heed/domain'
import { systemClock } from '@heed/platform/clock'
import { silentLogger } from '@heed/platform/log'
import { type Sandbox, startSandbox } from '@heed/sandbox'
import { anOptOut, recipientId } from '@heed/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hashedEmail } from './connector.ts'
import { parseSettings } from './settings.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['s3'], s3: { ackDelayMs: 0, withSessionToken: true } })
})
afterAll(() => sandbox.stop())

const form = 'plain-sha256-hex'
const options = { recipientId: 'select-third-parties', purposes: ['third-party-marketing'], form } as const
const limit = { timeoutMs: 5_000, signal: new AbortController().signal }

describe('a partner with a bucket', () => {
  let transport: Transport
  const settings = () =>
    parseSettings({
      transport: 's3',
      endpoint: sandbox.s3.url,
      pathStyle: true,
      region: sandbox.s3.region,
      bucket: 'partner',
      credentials: { accessKeyId: 'env:ID', secretAccessKey: 'env:SECRET', sessionToken: 'env:TOKEN' },
      sender: 'heed',
      list: 'partners',
      hashProfile: form,
    })
  const control = () => sandbox.s3.control
  beforeEach(() => {
    control().reset()
    control().know(['ada@example.org', 'bob@example.org', 'cy@example.org'])
    const { accessKeyId, secretAccessKey, sessionToken = '' } = sandbox.s3
    const own = settings()
    const descriptor = typeof hashedEmail.descriptor === 'function' ? hashedEmail.descriptor(own) : hashedEmail.descriptor
    const credentials = referencedCredentials({ ID: accessKeyId, SECRET: secretAccessKey, TOKEN: sessionToken })
    const connected = hashedEmail.connect?.(own, {
      recipientId: recipientId('select-third-parties'),
      credentials,
      descriptor,
      clock: systemClock,
      log: silentLogger,
    })
    if (connected === undefined) throw new Error('a transport')
    transport = connected
  })
  afterEach(() => transport.close())

  const batchOf = (sequence: number, extent: BatchContext['extent'] = sequence === 1 ? 'full' : 'delta'): BatchContext => ({
    sequence,
    extent,
    openedAt: Date.UTC(2026, 2, 1, 10, sequence),
  })
  const send = async (request: PlannedRequest) => {
    const answer = await transport.send(request, limit)
    if (answer.via === 'none') return answer
    return hashedEmail.interpret(request, answer, settings())
  }
  const planned = (tasks: readonly Task[], batch: BatchContext): FileRequest => {
    const request = hashedEmail.plan(tasks, settings(), batch).find((one) => one.via === 'file')
    if (request?.via !== 'file') throw new Error('a file')
    return request
  }
  /** Sends a file, and reads what the partner says to it. */
  const delivered = async (tasks: readonly Task[], batch: BatchContext): Promise<Outcome[]> => {
    const request = planned(tasks, batch)
    const stored = await send(request)
    if (!('job' in stored) || stored.job === undefined || hashedEmail.follow === undefined) throw new Error('a job')
    await control().idle()
    const read = await send(hashedEmail.follow(stored.job, request.covers, settings()))
    return 'outcomes' in read ? read.outcomes.map(({ outcome }) => outcome) : []
  }
  const suppressed = (address: string) =>
    control()
      .person({ address })
      .some((one) => one.suppressed)
  const ada = anOptOut('ada@example.org', options)
  const bob = anOptOut('bob@example.org', options)

  it('is given a full file and then deltas, and confirms each by its ack', async () => {
    expect(await delivered([ada], batchOf(1))).toEqual([{ kind: 'confirmed' }])
    expect(await delivered([bob], batchOf(2))).toEqual([{ kind: 'confirmed' }])
    expect(['ada@example.org', 'bob@example.org', 'cy@example.org'].map(suppressed)).toEqual([true, true, false])
    // an object and its manifest, twice, and nothing was written over
    expect(
      control()
        .requestTotals()
        .filter(({ method }) => method === 'PUT'),
    ).toMatchObject([{ status: 200, requests: 4 }])
  })

  it('that took a file and never said so is given the same file again, to no effect', async () => {
    const request = planned([ada], batchOf(1))
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1, match: { method: 'PUT' } })
    expect(await send(request)).toMatchObject({ via: 'none', sent: true, reason: 'unavailable.reset' })
    expect(await delivered([ada], batchOf(1))).toEqual([{ kind: 'confirmed' }])
    expect(
      control()
        .keys('partner')
        .filter((key) => key.startsWith('in/')),
    ).toHaveLength(2)
    expect(control().person({ address: 'ada@example.org' })).toMatchObject([
      { suppressed: true, eventIds: [expect.stringMatching(/^evt_/)] },
    ])
  })

  it('that refuses one row refuses that person alone', async () => {
    await delivered([], batchOf(1))
    control().misbehave({ kind: 'poison', match: { address: 'bob@example.org' } })
    const outcomes = await delivered([ada, bob], batchOf(2))
    expect(outcomes).toEqual(expect.arrayContaining([{ kind: 'confirmed' }, { kind: 'rejected', reason: 'item.refused-by-partner' }]))
    expect(['ada@example.org', 'bob@example.org'].map(suppressed)).toEqual([true, false])
  })

  it('that misses a file asks for everything', async () => {
    await delivered([ada], batchOf(1))
    const request = planned([bob], batchOf(3))
    const stored = await send(request)
    await control().idle()
    if (!('job' in stored) || stored.job === undefined || hashedEmail.follow === undefined) throw new Error('a job')
    expect(await send(hashedEmail.follow(stored.job, request.covers, settings()))).toMatchObject({ needsFull: true })
    expect(await delivered([ada, bob], batchOf(4, 'full'))).toEqual([{ kind: 'confirmed' }, { kind: 'confirmed' }])
  })

  it.each([
    ['rate-limited', 'unavailable.rate-limited'],
    ['revoked-key', 'auth.refused'],
    ['expired-credentials', 'auth.expired'],
    ['clock-skewed', 'configuration.clock-skewed'],
  ] as const)('in trouble (%s) is written nothing, and nobody is rejected: %s', async (kind, reason) => {
    control().misbehave({ kind })
    expect(await send(planned([ada], batchOf(1)))).toEqual({ via: 'none', sent: false, reason })
    expect(control().keys('partner')).toEqual([])
  })
})
