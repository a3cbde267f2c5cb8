import type { DeliveryId } from '@heed/domain'
import { asError } from '@heed/platform/errors'
import type { BatchContext, NothingToSend, PlannedRequest, Task } from '../contract.ts'
import { type Claim, heldRow, newToken } from '../inbox/line.ts'
import { shortest } from '../inbox/positions.ts'
import type { InboxRow } from '../inbox/row.ts'
import type { Settlement } from '../inbox/settlement.ts'
import { type BatchItem, groupSaid, nextPoll, type StoredBatch, type StoredJob } from './batch-store.ts'
import { type BegunJob, Collector } from './collect.ts'
import { executeAll } from './execute.ts'
import { judge, parked } from './judge.ts'
import { makeTasks, type Prepared } from './make-tasks.ts'
import type { RecipientWork } from './recipient.ts'
import { createSettler, type Settler } from './settler.ts'

/** How long a row is put back when a newer version is on its way. */
const skipMs = 1_000

const isRequest = (planned: PlannedRequest | NothingToSend): planned is PlannedRequest => planned.via !== 'nothing'

/** The item that a batch keeps of a row. */
export function itemOf(row: Pick<InboxRow, keyof BatchItem>): BatchItem {
  const { subjectId, version, assertion, kind, wanted, changed, evidence, acceptedAt } = row
  return { subjectId, version, assertion, kind, wanted, changed, evidence, acceptedAt }
}

/** Jobs as they are stored: with positions in place of delivery ids. */
export function storedJobs(
  begun: readonly BegunJob[],
  position: ReadonlyMap<DeliveryId, number>,
  options: { now: number; maxPollSeconds: number },
): StoredJob[] {
  return begun.map(({ job, requestName, covers }) => ({
    id: job.id,
    ...(job.note === undefined ? {} : { note: job.note }),
    requestName,
    pollAfterSeconds: job.pollAfterSeconds,
    polls: 0,
    nextPollAt: options.now + nextPoll(job, 0, options.maxPollSeconds),
    since: options.now,
    covers: shortest(
      covers.flatMap((id) => position.get(id) ?? []),
      position.size,
    ),
    done: false,
    said: [],
  }))
}

/** What is settled without a request. Undefined for a task. */
export function settledBeforehand(prepared: Prepared, now: number): Settlement | undefined {
  switch (prepared.kind) {
    case 'task':
      return undefined
    case 'closed':
      return {
        state: 'not_applicable',
        final: true,
        place: 'closed',
        failures: 'reset',
        unknown: false,
        entry: { step: 'asserted', outcome: prepared.outcome, durationMs: 0 },
      }
    case 'unreadable':
      return parked({ kind: 'rejected', reason: 'item.identifiers-unreadable' }, 'asserted', 0)
    case 'skipped':
      return {
        state: 'pending',
        final: false,
        place: 'queue',
        dueAt: now + skipMs,
        waitReason: 'waiting_turn',
        failures: 'keep',
        unknown: 'keep',
        untried: true,
        skip: true,
      }
    default:
      return prepared satisfies never
  }
}

/** Rows that are planned together: each part of a refused batch by itself, all others together. */
function byPart(entries: readonly { row: InboxRow; task: Task }[]): { row: InboxRow; task: Task }[][] {
  const parts = new Map<string, { row: InboxRow; task: Task }[]>()
  for (const entry of entries) {
    const key = entry.row.part ?? ''
    const part = parts.get(key)
    if (part === undefined) parts.set(key, [entry])
    else part.push(entry)
  }
  return [...parts.values()]
}

/** Names the half that a row of a refused request goes with. Halves of one request differ, as do those of different requests. */
function halves(entries: readonly { row: InboxRow }[]): Map<string, string> {
  const [first, second] = [newToken('p'), newToken('p')]
  const middle = Math.ceil(entries.length / 2)
  return new Map(entries.map(({ row }, index) => [row._id, index < middle ? first : second]))
}

/** Plans, as the connector would; a connector that throws is treated as one that was refused the batch, so that the split finds the item it trips over. */
export function planSafely<Settings>(
  work: RecipientWork<Settings>,
  tasks: readonly Task[],
  context: BatchContext,
): readonly (PlannedRequest | NothingToSend)[] | undefined {
  const { connector, settings } = work.sender
  try {
    return connector.plan(tasks, settings, context)
  } catch (thrown) {
    work.log.error({ recipientId: work.recipientId, tasks: tasks.length, error: asError(thrown) }, 'connector.plan-failed')
    return undefined
  }
}

interface BegunBatch {
  readonly batchId: string
  readonly jobIds: readonly string[]
}

async function assertPart<Settings>(
  work: RecipientWork<Settings>,
  entries: readonly { row: InboxRow; task: Task }[],
  settler: Settler,
  abort: AbortSignal,
): Promise<{ requests: number; followed: number; begun: readonly BegunBatch[] }> {
  const { sender, clock, batches } = work
  const { descriptor, account } = sender
  const tasks = entries.map(({ task }) => task)
  const rows = new Map(entries.map(({ row, task }) => [task.deliveryId, row]))
  const random = work.random()
  const context: BatchContext = { sequence: 0, openedAt: clock.now(), extent: 'delta' }
  const planned = planSafely(work, tasks, context)
  // the halves of each refused request, made when it is refused
  const partOf = new Map<string, string>()

  const settle = (id: DeliveryId, finding: Parameters<typeof judge>[0]) => {
    const row = rows.get(id)
    if (row === undefined) return
    const trouble = account.gate.trouble
    settler.add(
      heldRow(row),
      judge(finding.kind === 'untried' && trouble !== undefined ? { kind: 'untried', waitReason: trouble } : finding, {
        descriptor,
        now: clock.now(),
        random,
        failures: row.failures,
        trouble,
        part: partOf.get(row._id),
        step: 'asserted',
        sampled: descriptor.readBack !== undefined && work.random() < descriptor.readBack.share,
        holds: descriptor.jobs?.newerMayOvertake !== true,
      }),
    )
  }

  if (planned === undefined) {
    for (const [rowId, part] of halves(entries)) partOf.set(rowId, part)
    for (const id of rows.keys()) {
      settle(id, { kind: 'said', outcome: { kind: 'deferred', reason: 'batch.plan-failed' }, durationMs: 0, among: entries.length })
    }
    return { requests: 0, followed: 0, begun: [] }
  }

  const requests = planned.filter(isRequest)
  const collector = new Collector([...rows.keys()], planned)
  const batchId = newToken('j')
  const followed: DeliveryId[] = []
  const begun: BegunBatch[] = []
  const settleFinished = (ids: readonly DeliveryId[]) => {
    for (const id of ids) {
      const finding = collector.finding(id, batchId)
      // rows that follow a job are settled when the job is stored
      if (finding.kind === 'followed') followed.push(id)
      else settle(id, finding)
    }
  }
  settleFinished(collector.withoutRequests())
  await executeAll(sender, requests, {
    abort,
    inOrder: descriptor.batch.inOrder === true,
    onResult: (result) => {
      if (result.kind === 'read') {
        const refused = [...result.outcomes].filter(([, outcome]) => 'reason' in outcome && outcome.reason.startsWith('batch.'))
        const affected = refused.flatMap(([id]) => {
          const row = rows.get(id)
          return row === undefined ? [] : [{ row }]
        })
        for (const [rowId, part] of halves(affected)) partOf.set(rowId, part)
      }
      settleFinished(collector.add(result))
    },
  })

  if (followed.length > 0) {
    const items = followed.flatMap((id) => {
      const row = rows.get(id)
      return row === undefined ? [] : [{ id, item: itemOf(row) }]
    })
    const position = new Map(items.map(({ id }, index) => [id, index]))
    const now = clock.now()
    const jobs = storedJobs(collector.jobs, position, { now, maxPollSeconds: descriptor.jobs?.maxPollSeconds ?? 300 })
    const firm = groupSaid(
      items.flatMap(({ id }, index) => {
        const outcome = collector.firmOutcome(id)
        return outcome === undefined ? [] : [[index, outcome] as const]
      }),
      items.length,
    )
    const batch: StoredBatch = {
      _id: batchId,
      recipientId: work.recipientId,
      stage: 'following',
      context,
      size: items.length,
      nextAt: Math.min(...jobs.map((job) => job.nextPollAt)),
      failures: 0,
      rounds: 0,
      jobs,
      firm,
    }
    begun.push({ batchId, jobIds: jobs.map(({ id }) => id) })
    work.beginning.add(batchId)
    // before the rows follow it: a row that follows a batch which is not there would wait for ever
    await batches.open(
      batch,
      items.map(({ item }) => item),
    )
    for (const id of followed) settle(id, collector.finding(id, batchId))
  }
  return { requests: requests.length, followed: followed.length, begun }
}

/** Adds identifiers to what was claimed, and records that it is about to be sent. Where identifiers cannot be had, nothing is recorded and the rows are where they were. */
async function prepare<Settings>(work: RecipientWork<Settings>, claim: Claim): Promise<Prepared[]> {
  const { flights, recipientId, sender, directory } = work
  // side by side: each waits for a disk
  const [prepared, begun] = await Promise.allSettled([
    makeTasks(claim.rows, sender.descriptor, directory),
    flights.begin({ id: claim.token, recipientId, rows: claim.rows.map(heldRow) }),
  ])
  if (prepared.status === 'rejected') {
    await flights.forget([claim.token])
    throw prepared.reason
  }
  if (begun.status === 'rejected') throw begun.reason
  return prepared.value
}

/** What sending a claim came to. */
export interface Asserted {
  readonly requests: number
  readonly tasks: number
  /** Tasks that follow a job. */
  readonly followed: number
  /** Rows that are to be told again. */
  readonly returned: number
}

/** Sends what a claim holds, and settles it. */
export async function assertBatch<Settings>(work: RecipientWork<Settings>, claim: Claim, abort: AbortSignal): Promise<Asserted> {
  const settler = createSettler(work, { flight: claim.token })
  const prepared = await prepare(work, claim)
  const entries: { row: InboxRow; task: Task }[] = []
  for (const [index, one] of prepared.entries()) {
    const row = claim.rows[index]
    if (row === undefined) continue
    const settlement = settledBeforehand(one, work.clock.now())
    if (settlement !== undefined) settler.add(heldRow(row), settlement)
    else if (one.kind === 'task') entries.push({ row, task: one.task })
  }
  await work.probe('claimed')
  const results = await Promise.all(byPart(entries).map((part) => assertPart(work, part, settler, abort)))
  const begun = results.flatMap((result) => result.begun)
  try {
    await settler.drain()
    // the same work may have been reported before: from an earlier try, or faster than its answer was stored
    if (work.sender.descriptor.jobs?.reported === true)
      await work.reports.begun(
        work.recipientId,
        begun.flatMap(({ jobIds }) => jobIds),
      )
  } finally {
    for (const { batchId } of begun) work.beginning.delete(batchId)
  }
  work.outcomes.close(claim.token, work.recipientId)
  return {
    requests: results.reduce((sum, { requests }) => sum + requests, 0),
    tasks: entries.length,
    followed: results.reduce((sum, { followed }) => sum + followed, 0),
    returned: settler.returned,
  }
}
