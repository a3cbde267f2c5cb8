import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InboxRow } from '@heed/connector-kit'
import { changeIdOf, type Delivery, deliveryIdOf, type PurposeKey, parseRecipientId, subjectIdOf } from '@heed/domain'
import { request } from 'undici'
import { newRow } from '../../libs/connector-kit/src/inbox/row.ts'
import type { Figure } from './figure.ts'
import { type BenchHub, ended, startProgram } from './harness.ts'

const root = new URL('../../', import.meta.url).pathname
const rows = 1_000_000
const seconds = 90
const dbPrefix = 'heed_rss'

/** A delivery that waits, as the inbox keeps it. */
function openRow(number: number, now: number): InboxRow {
  const recipientId = parseRecipientId('meta')
  if (recipientId === undefined) throw new RangeError('no recipient id')
  const subjectId = subjectIdOf(randomBytes(16))
  const delivery: Delivery = {
    id: deliveryIdOf(recipientId, subjectId, 1),
    recipientId,
    subjectId,
    version: 1,
    assertion: 0,
    kind: 'preference',
    wanted: { ['social-audiences' as PurposeKey]: 'denied', ['interest-based-advertising' as PurposeKey]: 'denied' },
    changed: ['social-audiences' as PurposeKey],
    evidence: {},
    changeId: changeIdOf(subjectId, 1),
    policyVersion: '1.0',
    acceptedAt: now - rows + number,
    deadlineAt: now + 86_400_000,
  }
  return newRow(delivery, [], now)
}

async function residentMb(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024
}

/**
 * Memory of one connector as a process of its own, its heap held small, with 1,000,000 open deliveries in its inbox: it works them off for 90 s against a vendor
 * that is played, and is looked at every second. Linux only: it reads /proc.
 */
export async function measureInbox(hub: BenchHub): Promise<Figure[]> {
  const inbox = hub.mongo.useDb(`${dbPrefix}_connector_meta-ads`).collection<InboxRow>('inbox')
  const now = Date.now()
  for (let from = 0; from < rows; from += 10_000) {
    const some = Array.from({ length: 10_000 }, (_, index) => openRow(from + index, now))
    await inbox.insertMany(some, { ordered: false, writeConcern: { w: 1 } })
  }
  const identifiers = await startProgram('bare-identifiers.ts')
  const { body } = await request(`${hub.file.http.sandbox}/_control/meta/connection`)
  const { url, accessToken } = (await body.json()) as { url: string; accessToken: string }
  const child = spawn(
    process.execPath,
    ['--max-old-space-size=144', '--max-semi-space-size=8', join(root, 'services/connectors/meta-ads/dist/main.js')],
    {
      env: {
        PATH: process.env.PATH,
        KAFKA_BROKERS: hub.file.kafkaBrokers.join(','),
        MONGODB_URI: hub.file.mongoUri,
        HEED_POLICY_FILE: join(root, 'deploy/policy/qualified3d.yaml'),
        HEED_DB_PREFIX: dbPrefix,
        HEED_TOPIC_PREFIX: dbPrefix,
        HEED_PREFERENCES_ADDRESS: `127.0.0.1:${identifiers.port}`,
        HEED_CALLER_KEY: 'nobody-asks',
        HEED_ENV: 'development',
        HEED_OPERATIONS_PORT: '0',
        META_GRAPH_BASE_URL: url,
        META_ADS_TOKEN: accessToken,
        LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  try {
    const samples = await sampled(child)
    const left = await inbox.countDocuments({ lane: { $exists: true } }, { hint: 'line' })
    const part = (from: number, to: number) => Math.round(Math.max(...samples.slice(from, to)))
    process.stderr.write(
      `  most in the first, second and last third: ${part(0, 30)}, ${part(30, 60)}, ${part(60, 90)} MB; ${rows - left} were told meanwhile\n`,
    )
    if (left === rows) throw new Error('the connector told nobody anything')
    return [{ key: 'inbox.rss', value: Math.max(...samples), unit: 'MB' }]
  } finally {
    await ended(child)
    await identifiers.stop()
    await hub.mongo.useDb(`${dbPrefix}_connector_meta-ads`).dropDatabase()
  }
}

async function sampled(child: ChildProcess): Promise<number[]> {
  const samples: number[] = []
  for (let second = 0; second < seconds; second += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    if (child.exitCode !== null) throw new Error('the connector ended')
    samples.push(await residentMb(child.pid))
  }
  return samples
}
