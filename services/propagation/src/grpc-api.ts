import { loadService, type Topics, toTimestamp } from '@heed/contracts'
import type { BackfillProgress } from '@heed/contracts/gen/heed/propagation/v1/BackfillProgress.ts'
import type { BackfillState } from '@heed/contracts/gen/heed/propagation/v1/BackfillState.ts'
import type { ListBackfillsRequest__Output } from '@heed/contracts/gen/heed/propagation/v1/ListBackfillsRequest.ts'
import type { PauseRecipientRequest__Output } from '@heed/contracts/gen/heed/propagation/v1/PauseRecipientRequest.ts'
import type { RedeliverRequest__Output } from '@heed/contracts/gen/heed/propagation/v1/RedeliverRequest.ts'
import type { ResolveDeliveryRequest__Output } from '@heed/contracts/gen/heed/propagation/v1/ResolveDeliveryRequest.ts'
import type { StartBackfillRequest__Output } from '@heed/contracts/gen/heed/propagation/v1/StartBackfillRequest.ts'
import {
  type DeliveryId,
  deliveriesFor,
  findRecipient,
  mustBeTold,
  type Policy,
  parseDeliveryId,
  parseRecipientId,
  parseSubjectId,
  type RecipientId,
} from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { type CallContext, type FieldViolation, GrpcFault, type ServedService, status } from '@heed/platform/grpc'
import type { Publisher } from '@heed/platform/kafka'
import type { Acts } from './acts.ts'
import { type BackfillRow, BackfillRunning, type Backfills } from './backfills.ts'
import { deliveryRecord } from './records.ts'
import type { Snapshots } from './snapshots.ts'

/** What the RPCs need. */
export interface PropagationApiOptions {
  readonly policy: Policy
  readonly topics: Topics
  readonly publisher: Publisher
  readonly snapshots: Snapshots
  readonly backfills: Backfills
  readonly acts: Acts
  readonly clock: Clock
}

const operate = 'propagation:operate'
const read = ['propagation:read', operate]
const watchEveryMs = 250
const longestText = 500

/** PropagationService: what operators do about recipients and deliveries. */
export function propagationApi(options: PropagationApiOptions): ServedService {
  const { policy, topics, publisher, snapshots, backfills, acts, clock } = options

  const redeliver = async (request: RedeliverRequest__Output, context: CallContext) => {
    const violations: FieldViolation[] = []
    const subjectId = parseSubjectId(request.subjectId)
    if (subjectId === undefined) violations.push({ field: 'subject_id', description: 'must be a subject id: s- and 26 characters' })
    const only = request.recipientIds.map((id, index) => recipientIn(policy, id, `recipient_ids[${index}]`, violations))
    const reason = textIn(request.reason, 'reason', violations)
    if (subjectId === undefined || violations.length > 0) throw GrpcFault.badRequest(violations)
    for await (const { changes } of snapshots.scan({ subjectId })) {
      const [change] = changes
      if (change === undefined) continue
      const deliveries = deliveriesFor(policy, change, {
        all: true,
        assertion: clock.now(),
        ...(only.length === 0 ? {} : { only: only.filter((id) => id !== undefined) }),
      })
      if (deliveries.length > 0) await publisher.publish(deliveries.map((delivery) => deliveryRecord(topics, delivery)))
      await acts.operated({ act: 'redelivery-requested', by: context.caller.id, subjectId, why: reason })
      return { deliveryIds: deliveries.map(({ id }) => id) }
    }
    throw GrpcFault.notFound('UNKNOWN_SUBJECT', 'there is no such subject, or it has chosen nothing yet')
  }

  const pauseOrResume = (paused: boolean) => async (request: PauseRecipientRequest__Output, context: CallContext) => {
    const violations: FieldViolation[] = []
    const recipientId = recipientIn(policy, request.recipientId, 'recipient_id', violations)
    const reason = textIn(request.reason, 'reason', violations)
    if (recipientId === undefined || violations.length > 0) throw GrpcFault.badRequest(violations)
    await acts.paused(recipientId, paused, context.caller.id, reason)
    return {}
  }

  const resolveDelivery = async (request: ResolveDeliveryRequest__Output) => {
    const violations: FieldViolation[] = []
    const parts = parseDeliveryId(request.deliveryId)
    if (parts === undefined) violations.push({ field: 'delivery_id', description: 'must be <recipient>/<subject id>/<version>' })
    else recipientIn(policy, parts.recipientId, 'delivery_id', violations)
    const by = textIn(request.resolvedBy, 'resolved_by', violations, 128)
    const why = textIn(request.why, 'why', violations)
    if (parts === undefined || violations.length > 0) throw GrpcFault.badRequest(violations)
    await acts.resolved({ deliveryId: request.deliveryId as DeliveryId, ...parts }, by, why)
    return {}
  }

  const startBackfill = async (request: StartBackfillRequest__Output, context: CallContext) => {
    const violations: FieldViolation[] = []
    const recipientId = recipientIn(policy, request.recipientId, 'recipient_id', violations)
    const reason = textIn(request.reason, 'reason', violations)
    if (request.maxPerSecond < 0) violations.push({ field: 'max_per_second', description: 'must be 0 (no limit of its own) or more' })
    if (recipientId === undefined || violations.length > 0) throw GrpcFault.badRequest(violations)
    try {
      const row = await backfills.start({ recipientId, maxPerSecond: request.maxPerSecond, by: context.caller.id, reason })
      return { backfill: progressOf(row) }
    } catch (thrown) {
      if (!(thrown instanceof BackfillRunning)) throw thrown
      throw new GrpcFault({
        code: status.FAILED_PRECONDITION,
        reason: 'BACKFILL_RUNNING',
        message: `${thrown.message}: stop it first, or watch it`,
      })
    }
  }

  const existing = (row: BackfillRow | undefined): BackfillRow => {
    if (row === undefined) throw GrpcFault.notFound('UNKNOWN_BACKFILL', 'there is no such backfill')
    return row
  }

  async function* watchBackfill({ backfillId }: { backfillId: string }, context: CallContext) {
    let last = ''
    while (!context.signal.aborted) {
      const row = existing(await backfills.find(backfillId))
      const backfill = progressOf(row)
      const text = JSON.stringify(backfill)
      if (text !== last) yield { backfill }
      last = text
      if (row.state !== 'running') return
      await clock.sleep(watchEveryMs, context.signal)
    }
  }

  return {
    definition: loadService('heed.propagation.v1.PropagationService'),
    scopes: {
      StartBackfill: operate,
      StopBackfill: operate,
      ResumeBackfill: operate,
      ListBackfills: read,
      WatchBackfill: read,
      Redeliver: operate,
      PauseRecipient: operate,
      ResumeRecipient: operate,
      ResolveDelivery: operate,
    },
    handlers: {
      StartBackfill: startBackfill,
      StopBackfill: async ({ backfillId }: { backfillId: string }, context: CallContext) => ({
        backfill: progressOf(existing(await backfills.stop(backfillId, context.caller.id))),
      }),
      ResumeBackfill: async ({ backfillId }: { backfillId: string }, context: CallContext) => ({
        backfill: progressOf(existing(await backfills.resume(backfillId, context.caller.id))),
      }),
      ListBackfills: async ({ recipientId }: ListBackfillsRequest__Output) => {
        const violations: FieldViolation[] = []
        const only = recipientId === '' ? undefined : recipientIn(policy, recipientId, 'recipient_id', violations)
        if (violations.length > 0) throw GrpcFault.badRequest(violations)
        return { backfills: (await backfills.list(only)).map(progressOf) }
      },
      WatchBackfill: watchBackfill,
      Redeliver: redeliver,
      PauseRecipient: pauseOrResume(true),
      ResumeRecipient: pauseOrResume(false),
      ResolveDelivery: resolveDelivery,
    },
  }
}

function recipientIn(policy: Policy, text: string, field: string, violations: FieldViolation[]): RecipientId | undefined {
  const id = parseRecipientId(text)
  const recipient = id === undefined ? undefined : findRecipient(policy, id)
  if (recipient === undefined) {
    violations.push({
      field,
      description: `must be a recipient of the policy: ${policy.recipients
        .filter(mustBeTold)
        .map((known) => known.id)
        .join(', ')}`,
    })
    return undefined
  }
  if (!mustBeTold(recipient)) {
    violations.push({ field, description: 'nobody has to tell this recipient: the policy says why' })
    return undefined
  }
  return recipient.id
}

function textIn(text: string, field: string, violations: FieldViolation[], longest = longestText): string {
  const trimmed = text.trim()
  if (trimmed === '') violations.push({ field, description: 'must say something: it goes into the trail' })
  else if (trimmed.length > longest) violations.push({ field, description: `must have at most ${longest} characters` })
  // the trail is kept for ever and holds nobody's address
  else if (/[^\s@]+@[^\s@]+\.[^\s@]+/.test(trimmed)) violations.push({ field, description: 'must not hold an e-mail address' })
  return trimmed
}

const states: Record<BackfillRow['state'], BackfillState> = {
  running: 'BACKFILL_STATE_RUNNING',
  stopped: 'BACKFILL_STATE_STOPPED',
  completed: 'BACKFILL_STATE_COMPLETED',
}

function progressOf(row: BackfillRow): BackfillProgress {
  return {
    backfillId: row._id,
    recipientId: row.recipientId,
    state: states[row.state],
    scanned: row.scanned,
    published: row.published,
    total: row.total,
    startedAt: toTimestamp(row.startedAt),
    ...(row.endedAt === undefined ? {} : { endedAt: toTimestamp(row.endedAt) }),
  }
}
