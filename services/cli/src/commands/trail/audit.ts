import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { MerkleLogError, parseVerifierKey, type VerifierKey } from '@heed/merkle-log'
import { silentLogger } from '@heed/platform/log'
import { connectMongo } from '@heed/platform/mongo'
import { type AuditReport, type AuditState, AuditStateError, auditChecks, auditedStores, auditLog, inThreads } from '@heed/trail'
import { SingleBar } from 'cli-progress'
import { z } from 'zod'
import type { CommandContext } from '../../context.ts'
import { exitCodes, InputError } from '../../failures.ts'
import { hubAddresses } from '../../hub-file.ts'
import { knownKeys } from './verify.ts'

/** What an audit is told. */
export interface AuditAsked {
  /** Public keys of the log, or files with some; what this machine knows where there are none. */
  readonly keys: readonly string[]
  /** Files with checkpoints that were kept from earlier. */
  readonly against: readonly string[]
  /** The file in which it keeps where it is. */
  readonly state: string
  /** Go on from there. */
  readonly resume: boolean
}

const count = z.number().int().nonnegative()
const stateShape = z.object({
  format: z.literal(2),
  origin: z.string(),
  next: count,
  partials: z.array(z.base64()).max(8),
  logDone: z.boolean(),
  subject: z.string(),
  counts: z.object({
    entries: count,
    erased: count,
    tiles: count,
    changes: count,
    deliveries: count,
    outcomes: count,
    subjects: count,
    underWay: count,
    journals: count,
  }),
  differences: count,
  listed: z.array(z.object({ check: z.enum(auditChecks), about: z.string(), why: z.string() })).max(100),
})

const savedEveryMs = 2_000

/**
 * Reads the whole log again, from the database, and compares it with the journal, the deliveries and their outcomes. Writes nothing but its state file. Exit code 0 all is as it
 * should be, 1 there are differences, 2 the input is wrong.
 */
export async function audit(context: CommandContext, asked: AuditAsked): Promise<number> {
  const { mongoUri, dbPrefix } = hubAddresses(context.env)
  if (mongoUri === undefined) throw new InputError('no database: set MONGODB_URI, or start the hub in this folder (`npm start`)')
  const keys = (asked.keys.length > 0 ? asked.keys : knownKeys(context.env)).flatMap(keysOf)
  const [first] = keys
  if (first === undefined) throw new InputError('say which key you believe: --key <public key>, or HEED_TRAIL_PUBLIC_KEYS')
  if (keys.some(({ name }) => name !== first.name)) throw new InputError('the keys are of different logs: name those of one')
  const kept = asked.against.map(readText)
  const from = asked.resume ? readState(asked.state) : undefined
  const mongo = await connectMongo({ uri: mongoUri, appName: 'heed-audit', log: silentLogger })
  const bar =
    context.output.json || !process.stderr.isTTY
      ? undefined
      : new SingleBar({ format: '[{bar}] {percentage}% | entries {entries} | journal {journal}', stream: process.stderr })
  try {
    bar?.start(1, 0, { entries: 0, journal: 0 })
    let savedAt = Date.now()
    const report = await auditLog({
      stores: auditedStores(mongo, dbPrefix),
      trust: { origin: first.name, logKeys: keys },
      kept,
      ...(from === undefined ? {} : { from }),
      beside: inThreads({ uri: mongoUri, databasePrefix: dbPrefix }),
      progress: ({ log, origins }, state) => {
        bar?.setTotal(log.of + origins.of)
        bar?.update(log.done + origins.done, { entries: log.done, journal: origins.done })
        if (Date.now() - savedAt < savedEveryMs) return
        saveState(asked.state, state())
        savedAt = Date.now()
      },
    })
    bar?.stop()
    rmSync(asked.state, { force: true })
    show(context, report)
    return report.ok ? exitCodes.done : exitCodes.failed
  } catch (thrown) {
    if (thrown instanceof AuditStateError) throw new InputError(`${asked.state}: ${thrown.message}`)
    throw thrown
  } finally {
    bar?.stop()
    await mongo.stop()
  }
}

function show({ output }: CommandContext, report: AuditReport): void {
  const { counts, differences, listed, origin, size } = report
  output.document(report)
  for (const { check, about, why } of listed) output.line(`${about}: ${why} (${check})`)
  if (differences > listed.length) output.line(`… and ${differences - listed.length} more`)
  output.line(
    `${origin}: ${counts.entries} entries under a checkpoint of ${size}, ${counts.changes} changes, ${counts.deliveries} deliveries, ${counts.outcomes} outcomes of ` +
      `${counts.subjects} subjects; ${counts.erased} of erased subjects, ${counts.underWay} under way; ${counts.journals} counts of the journal hold`,
  )
  output.line(differences === 0 ? 'all of it agrees' : `${differences} differences`)
}

function keysOf(text: string): VerifierKey[] {
  const texts = /^[^\s+]+\+[0-9a-f]{8}\+/.test(text)
    ? [text]
    : readText(text)
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
  return texts.map((line) => {
    try {
      return parseVerifierKey(line)
    } catch (thrown) {
      if (thrown instanceof MerkleLogError) throw new InputError(`--key: ${thrown.message}`)
      throw thrown
    }
  })
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new InputError(`${file} cannot be read: ${(thrown as NodeJS.ErrnoException).code ?? 'unknown reason'}`)
  }
}

function readState(file: string): AuditState {
  const text = readText(file)
  try {
    return stateShape.parse(JSON.parse(text))
  } catch {
    throw new InputError(`${file} is no state of an audit: run it without --resume`)
  }
}

function saveState(file: string, state: AuditState): void {
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
