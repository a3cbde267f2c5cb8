import type { DeliveryId, Outcome } from '@heed/domain'
import { leastSettled } from '../combine.ts'
import type { Job, PlannedRequest } from '../contract.ts'
import { type FollowedRow, newToken } from '../inbox/line.ts'
import { positionsOf } from '../inbox/positions.ts'
import { rowIdOf } from '../inbox/row.ts'
import type { HeldRow, Settlement } from '../inbox/settlement.ts'
import { type BatchItem, deliveryOfItem, groupSaid, nextPoll, type StoredBatch, type StoredJob } from './batch-store.ts'
import { execute, type RequestResult } from './execute.ts'
import { type Finding, judge } from './judge.ts'
import type { RecipientWork } from './recipient.ts'
import { createSettler } from './settler.ts'

/** Jobs of a delivery that never ended, after which it awaits a person. */
const maxGiveUps = 3

/** A batch with its items and what each item's jobs come to. */
export class FollowedBatch {
  readonly batch: StoredBatch
  readonly items: readonly BatchItem[]
  readonly ids: readonly DeliveryId[]
  readonly position: ReadonlyMap<DeliveryId, number>

  constructor(batch: StoredBatch, items: readonly BatchItem[]) {
    this.batch = batch
    this.items = items
    this.ids = items.map((item) => deliveryOfItem(batch.recipientId, item))
    this.position = new Map(this.ids.map((id, index) => [id, index]))
  }

  coversOf(job: StoredJob): DeliveryId[] {
    return [...positionsOf(job.covers, this.items.length)].flatMap((index) => this.ids[index] ?? [])
  }

  /** Outcomes by position, of jobs and of requests beside them; and which positions still wait for a job. */
  standing(jobs: readonly StoredJob[]): { outcomes: Map<number, Outcome>; waiting: Set<number> } {
    const outcomes = new Map<number, Outcome>()
    const waiting = new Set<number>()
    const take = (index: number, outcome: Outcome) => {
      const known = outcomes.get(index)
      outcomes.set(index, known === undefined ? outcome : leastSettled(known, outcome))
    }
    for (const { outcome, at } of this.batch.firm) for (const index of positionsOf(at, this.items.length)) take(index, outcome)
    for (const job of jobs) {
      const spoken = new Set<number>()
      for (const { outcome, at } of job.said) {
        for (const index of positionsOf(at, this.items.length)) {
          spoken.add(index)
          take(index, outcome)
        }
      }
      if (!job.done) for (const index of positionsOf(job.covers, this.items.length)) if (!spoken.has(index)) waiting.add(index)
    }
    return { outcomes, waiting }
  }
}

/** The job as its connector gave it. */
function jobOf(stored: StoredJob): Job {
  return { id: stored.id, pollAfterSeconds: stored.pollAfterSeconds, ...(stored.note === undefined ? {} : { note: stored.note }) }
}

/** A job after an answer about it. Pure. */
export function jobAfter(
  job: StoredJob,
  result: RequestResult,
  followed: FollowedBatch,
  options: { now: number; maxPollSeconds: number; retryMs: number },
): StoredJob {
  const { now, maxPollSeconds, retryMs } = options
  // Not asked, or no answer: the vendor works on all the same.
  if (result.kind === 'unsent') return { ...job, nextPollAt: now + 1_000 }
  if (result.kind === 'none') return { ...job, nextPollAt: now + Math.max(retryMs, 1_000) }
  const size = followed.items.length
  const spoken = new Map<number, Outcome>()
  for (const { outcome, at } of job.said) for (const index of positionsOf(at, size)) spoken.set(index, outcome)
  for (const [id, outcome] of result.outcomes) {
    const index = followed.position.get(id)
    const goesOn = result.job !== undefined && outcome.kind === 'accepted' && !outcome.final
    if (index !== undefined && !goesOn) spoken.set(index, outcome)
  }
  const open = [...positionsOf(job.covers, size)].filter((index) => !spoken.has(index))
  if (result.job === undefined) {
    // It is over: of what it did not speak of, nothing is known.
    for (const index of open) spoken.set(index, { kind: 'deferred', reason: 'unavailable.incomplete-answer' })
    return { ...job, done: true, said: groupSaid(spoken, size) }
  }
  // trouble of the account is no "not yet": the next look is no later for it
  const polls = result.job.id === job.id ? job.polls + (result.troubled ? 0 : 1) : 0
  const { note: _, ...rest } = job
  return {
    ...rest,
    id: result.job.id,
    ...(result.job.note === undefined ? {} : { note: result.job.note }),
    pollAfterSeconds: result.job.pollAfterSeconds,
    polls,
    nextPollAt: now + nextPoll(result.job, polls, maxPollSeconds),
    // a heartbeat covers nothing, and is followed all the same
    done: size > 0 && open.length === 0,
    said: groupSaid(spoken, size),
  }
}

/** What rows become whose jobs have ended or never will. */
function settleItems<Settings>(
  work: RecipientWork<Settings>,
  followed: FollowedBatch,
  outcomes: Iterable<readonly [number, Outcome]>,
  rowsOf: ReadonlyMap<string, FollowedRow>,
  givenUp: ReadonlySet<number>,
): [HeldRow, Settlement][] {
  const { descriptor, account } = work.sender
  const random = work.random()
  const all = [...outcomes]
  const refused = all.filter(([, outcome]) => 'reason' in outcome && outcome.reason.startsWith('batch.'))
  const [first, second] = [newToken('p'), newToken('p')]
  const partOf = new Map(refused.map(([index], place) => [index, place < Math.ceil(refused.length / 2) ? first : second]))
  const settled: [HeldRow, Settlement][] = []
  for (const [index, outcome] of all) {
    const item = followed.items[index]
    if (item === undefined) continue
    const rowId = rowIdOf(followed.batch.recipientId, item.subjectId)
    const row = rowsOf.get(rowId)
    // the row went on to a newer wish, or was resolved
    if (row === undefined) continue
    const lastTry = givenUp.has(index) && row.giveUps + 1 >= maxGiveUps
    const finding: Finding = {
      kind: 'said',
      outcome: lastTry ? { kind: 'rejected', reason: 'item.no-confirmation' } : outcome,
      durationMs: 0,
      among: refused.length,
    }
    const settlement = judge(finding, {
      descriptor,
      now: work.clock.now(),
      random,
      failures: row.failures,
      trouble: account.gate.trouble,
      part: partOf.get(index),
      step: `followed.${followed.batch.rounds}`,
      sampled: descriptor.readBack !== undefined && work.random() < descriptor.readBack.share,
      holds: false,
    })
    settled.push([
      row,
      givenUp.has(index)
        ? { ...settlement, giveUp: true, unknown: true, ...(lastTry ? {} : { dueAt: work.clock.now(), waitReason: 'unknown_outcome' }) }
        : settlement,
    ])
  }
  return settled
}

/** Settles what is known of a batch's items, keeps its jobs, and forgets it where nothing is left to follow. */
export async function settleFollowed<Settings>(
  work: RecipientWork<Settings>,
  followed: FollowedBatch,
  jobs: readonly StoredJob[],
  givenUp: ReadonlySet<number> = new Set(),
): Promise<void> {
  const { batch } = followed
  const { outcomes, waiting } = followed.standing(jobs)
  for (const index of givenUp) outcomes.set(index, outcomes.get(index) ?? { kind: 'deferred', reason: 'unavailable.no-confirmation' })
  const ready = [...outcomes].filter(([index]) => !waiting.has(index) || givenUp.has(index))
  const rowsOf = await work.line.followed(
    batch._id,
    ready.flatMap(([index]) => {
      const item = followed.items[index]
      return item === undefined ? [] : [rowIdOf(batch.recipientId, item.subjectId)]
    }),
  )
  const settler = createSettler(work, { token: batch._id })
  for (const [row, settlement] of settleItems(work, followed, ready, rowsOf, givenUp)) settler.add(row, settlement)
  await settler.drain()
  const open = jobs.filter((job) => !job.done)
  if (open.length === 0) return work.batches.close(batch)
  await work.batches.update(batch._id, { jobs: [...jobs], nextAt: Math.min(...open.map((job) => job.nextPollAt)) })
}

/** Asks about one job. */
async function ask<Settings>(
  work: RecipientWork<Settings>,
  followed: FollowedBatch,
  job: StoredJob,
  abort: AbortSignal,
): Promise<RequestResult | undefined> {
  const { connector, settings } = work.sender
  // Some vendors report by themselves and cannot be asked.
  if (connector.follow === undefined || work.sender.descriptor.jobs?.reported === true) return undefined
  let request: PlannedRequest
  try {
    request = connector.follow(jobOf(job), followed.coversOf(job), settings)
  } catch (thrown) {
    work.log.error({ recipientId: work.recipientId, request: job.requestName, error: thrown }, 'connector.follow-failed')
    return undefined
  }
  return execute(work.sender, request, abort)
}

/** Asks about the jobs of a batch that are due, and settles what they say. */
export async function followBatch<Settings>(work: RecipientWork<Settings>, batch: StoredBatch, abort: AbortSignal): Promise<void> {
  const { descriptor } = work.sender
  const { maxPollSeconds, giveUpAfterSeconds } = descriptor.jobs ?? { maxPollSeconds: 300, giveUpAfterSeconds: 86_400 }
  const followed = new FollowedBatch(batch, await work.batches.items(batch))
  const jobs: StoredJob[] = []
  let needsFull = false
  for (const job of batch.jobs) {
    const now = work.clock.now()
    if (job.done || job.nextPollAt > now) {
      jobs.push(job)
      continue
    }
    const result = await ask(work, followed, job, abort)
    const after = work.clock.now()
    if (result === undefined) {
      jobs.push({ ...job, nextPollAt: Math.min(after + maxPollSeconds * 1000, job.since + giveUpAfterSeconds * 1000 + 1) })
      continue
    }
    if (result.kind === 'read') needsFull ||= result.needsFull
    const blocked = work.sender.account.gate.blocked()
    jobs.push(jobAfter(job, result, followed, { now: after, maxPollSeconds, retryMs: (blocked?.until ?? after) - after }))
  }
  if (needsFull) await work.states.requestFull(work.recipientId)
  const expired = jobs.filter((job) => !job.done && work.clock.now() >= job.since + giveUpAfterSeconds * 1000)
  if (expired.length === 0) return settleFollowed(work, followed, jobs)
  work.log.warn(
    { recipientId: work.recipientId, jobs: expired.length, deliveries: batch.size, openedAt: batch.context.openedAt },
    'job.given-up',
  )
  // a sequenced batch is given again as it was: its number cannot be left out
  if (batch.context.sequence > 0) {
    return work.batches.update(batch._id, { stage: 'open', jobs: [], firm: [], rounds: batch.rounds + 1, nextAt: work.clock.now() })
  }
  const givenUp = new Set(expired.flatMap((job) => [...positionsOf(job.covers, followed.items.length)]))
  const { waiting } = followed.standing(jobs)
  const over = new Set([...givenUp].filter((index) => waiting.has(index)))
  await settleFollowed(
    work,
    followed,
    jobs.map((job) => (expired.includes(job) ? { ...job, done: true, covers: [] } : job)),
    over,
  )
}
