import type { DeliveryId } from '@heed/domain'
import { backoffMs } from '../account/backoff.ts'
import type { BatchContext, Descriptor, Task } from '../contract.ts'
import { type Claim, heldRow } from '../inbox/line.ts'
import { rowIdOf } from '../inbox/row.ts'
import type { Settlement } from '../inbox/settlement.ts'
import { itemOf, planSafely, settledBeforehand, storedJobs } from './assert-batch.ts'
import { type BatchItem, deliveryOfItem, groupSaid, type StoredBatch } from './batch-store.ts'
import { Collector } from './collect.ts'
import { executeAll } from './execute.ts'
import { FollowedBatch, settleFollowed } from './follow-batch.ts'
import { makeTasks, type TaskSource } from './make-tasks.ts'
import type { RecipientWork } from './recipient.ts'
import type { RecipientState } from './recipient-state.ts'
import { createSettler } from './settler.ts'

/** What a sequenced recipient is to be sent next, if anything. */
export type NextBatch = { readonly kind: 'none'; readonly at: number } | { readonly kind: 'delta' | 'full' | 'heartbeat' }

/** Decides what a sequenced recipient is to be sent. Pure. `at` is when to look again, where nothing is due. */
export function nextBatch(
  descriptor: Descriptor,
  state: RecipientState,
  waiting: { readonly count: number; readonly since: number | undefined },
  now: number,
): NextBatch {
  const { collectSeconds = 0, maxTasks, heartbeatSeconds, fullEverySeconds } = descriptor.batch
  const first = (state.sequence ?? 0) === 0
  const later: number[] = []
  const collected = waiting.count >= maxTasks || (waiting.since !== undefined && now >= waiting.since + collectSeconds * 1000)
  if (state.needsFull === true) return { kind: 'full' }
  if (fullEverySeconds !== undefined) {
    // The first one is complete, and is sent when there is something to be told.
    if (first && collected) return { kind: 'full' }
    const dueAt = (state.lastFullAt ?? now) + fullEverySeconds * 1000
    if (!first && now >= dueAt) return { kind: 'full' }
    if (!first) later.push(dueAt)
  }
  if (collected) return { kind: 'delta' }
  if (waiting.since !== undefined) later.push(waiting.since + collectSeconds * 1000)
  if (heartbeatSeconds !== undefined && !first) {
    const dueAt = (state.lastBatchAt ?? now) + heartbeatSeconds * 1000
    if (now >= dueAt) return { kind: 'heartbeat' }
    later.push(dueAt)
  }
  return { kind: 'none', at: Math.min(Number.POSITIVE_INFINITY, ...later) }
}

const batchIdOf = (recipientId: string, sequence: number) => `${recipientId}#${sequence}`

/** A batch that has just been opened, with what is known of it by that. */
export interface OpenedBatch {
  readonly batch: StoredBatch
  readonly items: readonly BatchItem[]
  /** Undefined where identifiers were not asked for all of the items. */
  readonly tasks: readonly Task[] | undefined
}

/** Opens the next batch: gives it its number, and keeps its tasks, before anything of it is sent. Undefined where nothing is left to be sent. */
export async function openBatch<Settings>(
  work: RecipientWork<Settings>,
  state: RecipientState,
  kind: 'delta' | 'full' | 'heartbeat',
): Promise<OpenedBatch | undefined> {
  const { line, clock, recipientId, sender } = work
  const { descriptor } = sender
  const now = clock.now()
  const limit = kind === 'heartbeat' ? 0 : descriptor.batch.maxTasks
  const claim = limit === 0 ? { token: '', rows: [] } : await line.claim(recipientId, limit)
  try {
    const kept = await sortOut(work, claim, now)
    if (kind === 'delta' && kept.items.length === 0) return undefined
    const items = kind === 'full' ? await completeItems(work, kept.items) : kept.items
    const context: BatchContext = { sequence: (state.sequence ?? 0) + 1, openedAt: now, extent: kind === 'full' ? 'full' : 'delta' }
    const opened: StoredBatch = {
      _id: batchIdOf(recipientId, context.sequence),
      recipientId,
      stage: 'open',
      context,
      size: items.length,
      nextAt: now,
      failures: 0,
      rounds: 0,
      jobs: [],
      firm: [],
    }
    const batch = await work.batches.open(opened, items)
    // a crash before this is made good when the batch is sent again
    await Promise.all([
      line.adopt(recipientId, batch._id, items),
      work.states.opened(recipientId, { sequence: context.sequence, at: now, full: kind === 'full' }),
    ])
    return { batch, items, tasks: kind === 'full' ? undefined : kept.tasks }
  } finally {
    line.release(claim)
  }
}

/** What of a claim goes into a batch, and its tasks; the rest is settled. */
async function sortOut<Settings>(work: RecipientWork<Settings>, claim: Claim, now: number): Promise<{ items: BatchItem[]; tasks: Task[] }> {
  const prepared = await makeTasks(claim.rows, work.sender.descriptor, work.directory)
  const settler = createSettler(work)
  const items: BatchItem[] = []
  const tasks: Task[] = []
  for (const [index, one] of prepared.entries()) {
    const row = claim.rows[index]
    if (row === undefined) continue
    const settlement = settledBeforehand(one, now)
    if (settlement !== undefined) settler.add(heldRow(row), settlement)
    else if (one.kind === 'task') {
      items.push(itemOf(row))
      // as each time that the batch is sent
      tasks.push({ ...one.task, unknownBefore: false })
    }
  }
  await settler.drain()
  return { items, tasks }
}

/** The claimed items, and every other that the recipient was ever asked to hold. */
async function completeItems<Settings>(work: RecipientWork<Settings>, claimed: readonly BatchItem[]): Promise<BatchItem[]> {
  const newest = new Map(claimed.map((item) => [item.subjectId, item]))
  const items = [...claimed]
  for await (const some of work.line.told(work.recipientId)) {
    for (const row of some) if (!newest.has(row.subjectId)) items.push(itemOf(row))
  }
  return items
}

/** The tasks of a kept batch, with the identifiers of now. Items that have none any more are left out. */
async function tasksOf<Settings>(work: RecipientWork<Settings>, items: readonly BatchItem[]): Promise<Task[]> {
  const { recipientId, sender } = work
  // what a batch has recorded is sent as it was recorded: a newer version goes with the next
  const sources = items.map(
    (item): TaskSource => ({
      ...item,
      recipientId,
      wanted: { ...item.wanted },
      changed: [...item.changed],
      evidence: { ...item.evidence },
      unknown: false,
      skips: Number.MAX_SAFE_INTEGER,
    }),
  )
  const prepared = await makeTasks(sources, sender.descriptor, work.directory)
  for (const [index, one] of prepared.entries()) {
    // a list without somebody may let the vendor write to her again: somebody has to know
    if (one.kind === 'unreadable') work.log.error({ recipientId, subjectId: items[index]?.subjectId }, 'connector.left-out-unreadable')
  }
  return prepared.flatMap((one) => (one.kind === 'task' ? [one.task] : []))
}

const rowIdsOf = (recipientId: StoredBatch['recipientId'], items: readonly BatchItem[]) =>
  items.map((item) => rowIdOf(recipientId, item.subjectId))

/** What rows of a batch that could not be sent say meanwhile. They stay with it. */
function waitingForBatch(
  batch: StoredBatch,
  waitReason: NonNullable<Settlement['waitReason']>,
  reason: string,
  nextTryAt: number,
): Settlement {
  return {
    state: 'pending',
    final: false,
    place: 'followed',
    waitReason,
    failures: 'count',
    unknown: 'keep',
    follow: batch._id,
    entry: {
      step: `sent.${batch.rounds}.${batch.failures}`,
      outcome: { kind: 'deferred', reason: reason as `unavailable.${string}` },
      durationMs: 0,
      nextTryAt,
    },
  }
}

/** An open batch as it is kept. Its number is stored and its rows follow it, also where a crash came between opening it and that. */
async function reopened<Settings>(work: RecipientWork<Settings>, batch: StoredBatch): Promise<OpenedBatch> {
  const { recipientId, states, batches, line } = work
  await states.opened(recipientId, { sequence: batch.context.sequence, at: batch.context.openedAt, full: false })
  const items = await batches.items(batch)
  await line.adopt(recipientId, batch._id, items)
  return { batch, items, tasks: undefined }
}

/** Sends an open batch, just opened or kept from before: the same tasks, number and time as every time before. Resolves when it is sent or put off. */
export async function sendBatch<Settings>(
  work: RecipientWork<Settings>,
  open: StoredBatch | OpenedBatch,
  abort: AbortSignal,
): Promise<void> {
  const { sender, clock, recipientId } = work
  const { descriptor, account } = sender
  const { batch, items, tasks: known } = 'batch' in open ? open : await reopened(work, open)
  await work.probe('claimed')
  const followed = new FollowedBatch(batch, items)
  const tasks = known ?? (await tasksOf(work, items))
  const planned = planSafely(work, tasks, batch.context)

  const putOff = async (reason: string) => {
    const now = clock.now()
    const until = account.gate.blocked()?.until ?? now + backoffMs(descriptor, batch.failures + 1, work.random())
    const waitReason = account.gate.trouble ?? (reason.startsWith('unavailable.') ? 'recipient_unavailable' : 'auth_failed')
    await work.batches.update(batch._id, { nextAt: until, failures: batch.failures + 1 })
    // told after the 1st, 2nd, 4th, 8th … failure: every try of a large file would else be as many outcomes as it has rows
    if ((batch.failures & (batch.failures + 1)) !== 0) return
    const settler = createSettler(work, { token: batch._id })
    const rows = await work.line.followed(batch._id, rowIdsOf(recipientId, items))
    for (const row of rows.values()) settler.add(row, waitingForBatch(batch, waitReason, reason, until))
    await settler.drain()
  }
  if (planned === undefined) {
    account.gate.failed('configuration.plan-failed')
    return putOff('configuration.plan-failed')
  }

  const requests = planned.flatMap((one) => (one.via === 'nothing' ? [] : [one]))
  const ids = tasks.map(({ deliveryId }) => deliveryId)
  const collector = new Collector(ids, planned)
  const results = await executeAll(sender, requests, { abort, inOrder: true, onResult: (result) => collector.add(result) })
  const failed = results.find((result) => result.kind !== 'read')
  if (failed !== undefined) {
    if (failed.kind === 'unsent') return work.batches.update(batch._id, { nextAt: Math.max(account.openAt(), clock.now() + 200) })
    return putOff(failed.answer.reason)
  }
  // A refused batch is the recipient's to explain: its number stays taken, and it is given again.
  const refusal = refusalOf(collector, ids)
  if (refusal !== undefined) {
    account.gate.failed(refusal)
    return putOff(refusal)
  }
  if (collector.needsFull) await work.states.requestFull(recipientId)
  const position = new Map(items.map((item, index) => [deliveryOfItem(recipientId, item), index]))
  const now = clock.now()
  const jobs = storedJobs(collector.jobs, position, { now, maxPollSeconds: descriptor.jobs?.maxPollSeconds ?? 300 })
  await afterSending(work, followed, collector, jobs)
}

function refusalOf(collector: Collector, ids: readonly DeliveryId[]): `configuration.${string}` | undefined {
  for (const id of ids) {
    const finding = collector.finding(id, '')
    if (finding.kind === 'said' && 'reason' in finding.outcome && finding.outcome.reason.startsWith('batch.')) {
      return `configuration.${finding.outcome.reason.slice('batch.'.length)}`
    }
  }
  return undefined
}

/** Keeps the jobs of a batch that was sent, and settles what is final already. */
async function afterSending<Settings>(
  work: RecipientWork<Settings>,
  followed: FollowedBatch,
  collector: Collector,
  jobs: StoredBatch['jobs'],
): Promise<void> {
  const { batch, items } = followed
  const { recipientId } = work
  const firm: [number, Parameters<typeof groupSaid>[0] extends Iterable<readonly [number, infer Out]> ? Out : never][] = []
  const accepted: string[] = []
  for (const [index, item] of items.entries()) {
    const finding = collector.finding(deliveryOfItem(recipientId, item), batch._id)
    if (finding.kind === 'said') firm.push([index, finding.outcome])
    else if (finding.kind === 'followed') accepted.push(rowIdOf(recipientId, item.subjectId))
    // what has no identifier any more was not in the files
    else firm.push([index, { kind: 'notApplicable', reason: 'not-applicable.no-identifier' }])
  }
  const sent: StoredBatch = {
    ...batch,
    stage: 'following',
    jobs: [...jobs],
    firm: groupSaid(firm, items.length),
    failures: 0,
    nextAt: Math.min(Number.MAX_SAFE_INTEGER, ...jobs.map((job) => job.nextPollAt)),
  }
  await work.batches.update(batch._id, { stage: sent.stage, jobs: sent.jobs, firm: sent.firm, failures: 0, nextAt: sent.nextAt })
  const settler = createSettler(work, { token: batch._id })
  const rows = await work.line.followed(batch._id, accepted)
  for (const row of rows.values()) {
    settler.add(row, {
      state: 'accepted',
      final: false,
      place: 'followed',
      waitReason: 'awaiting_confirmation',
      failures: 'reset',
      unknown: 'keep',
      follow: batch._id,
      entry: { step: `asserted.${batch.rounds}`, outcome: { kind: 'accepted', final: false }, durationMs: 0 },
    })
  }
  await settler.drain()
  await settleFollowed(work, new FollowedBatch(sent, items), sent.jobs)
}
