import { ManualClock } from '@heed/platform/clock'
import { describe, expect, it } from 'vitest'
import type { Account } from '../account/account.ts'
import type { Connector, HttpRequest, Interpretation, Job } from '../contract.ts'
import { aDelivery, aDescriptor, exampleConnector, keptLog, recipient, subject } from '../testing.fixture.ts'
import type { StoredBatch, StoredJob } from './batch-store.ts'
import { execute } from './execute.ts'
import { FollowedBatch, jobAfter } from './follow-batch.ts'

const descriptor = aDescriptor({ confirmation: 'by-job', jobs: { maxPollSeconds: 1_000, giveUpAfterSeconds: 10_000 } })
const { id } = aDelivery('ada', 1)
const question: HttpRequest = { via: 'http', intent: 'follow', name: 'example.status', method: 'GET', path: '/jobs/j1', covers: [id] }
const job: Job = { id: 'j1', pollAfterSeconds: 10 }

/** What a question about a job comes to, and what the account's gate is told. */
async function asked(interpretation: Interpretation) {
  const told: string[] = []
  const log = keptLog()
  const connector: Connector<Record<string, unknown>> = exampleConnector(descriptor, { interpret: () => interpretation })
  const gate = {
    failed: (reason: string, seconds?: number) => told.push(`failed ${reason} ${seconds ?? ''}`.trim()),
    succeeded: () => told.push('succeeded'),
    slowDown: () => undefined,
  } as unknown as Account['gate']
  const account = { gate, request: (run: () => Promise<unknown>) => run() } as unknown as Account
  const transport = {
    send: async () => ({ via: 'http' as const, status: 503, headers: {}, body: Buffer.alloc(0) }),
    close: async () => undefined,
  }
  const sender = {
    connector,
    settings: {},
    descriptor,
    account,
    transport,
    clock: new ManualClock(0),
    log,
    measured: () => undefined,
    answered: () => undefined,
    halted: () => undefined,
  }
  return { result: await execute(sender, question, new AbortController().signal), told, log }
}

describe('an answer that names trouble beside its job', () => {
  it('fails the account, and ends nothing', async () => {
    const { result, told } = await asked({ outcomes: [], job, trouble: { reason: 'unavailable.server-error', retryAfterSeconds: 7 } })
    expect(told).toEqual(['failed unavailable.server-error 7'])
    expect(result).toMatchObject({ kind: 'read', job, troubled: true })
  })

  it('makes the next look no later, other than an answer that says "not yet"', async () => {
    const item = { ...aDelivery('ada', 1), subjectId: subject('ada') }
    const batch: StoredBatch = {
      _id: 'b1',
      recipientId: recipient(),
      stage: 'following',
      context: { sequence: 0, openedAt: 0, extent: 'delta' },
      size: 1,
      nextAt: 0,
      failures: 0,
      rounds: 0,
      jobs: [],
      firm: [],
    }
    const stored: StoredJob = {
      ...job,
      requestName: 'example.post',
      polls: 2,
      nextPollAt: 0,
      since: 0,
      covers: 'all',
      done: false,
      said: [],
    }
    const options = { now: 0, maxPollSeconds: 1_000, retryMs: 0 }
    const after = async (interpretation: Interpretation) =>
      jobAfter(stored, (await asked(interpretation)).result, new FollowedBatch(batch, [item]), options).nextPollAt
    expect(await after({ outcomes: [], job })).toBe(80_000)
    expect(await after({ outcomes: [], job, trouble: { reason: 'auth.revoked' } })).toBe(40_000)
  })
})

describe('a trace', () => {
  it('is logged where it is a name, and nowhere where it might be anything else', async () => {
    const traces = async (trace: string) => (await asked({ outcomes: [], job, trace })).log.lines.map(({ fields }) => fields.trace)
    expect(await traces('AbC_1-2')).toEqual(['AbC_1-2'])
    expect(await traces('ada@example.org')).toEqual([])
  })
})
