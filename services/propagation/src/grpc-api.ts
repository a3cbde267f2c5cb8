import { loadService, type Topics } from '@heed/contracts'
import type { BackfillProgress } from '@heed/contracts/gen/heed/propagation/v1/BackfillProgress.ts'
import type { ListBackfillsRequest__Output } from '@heed/contracts/gen/heed/propagation/v1/ListBackfillsRequest.ts'
import type { PauseRecipientRequest__Output } from '@heed/contracts/gen/heed/propagation/v1/PauseRecipientRequest.ts'
import type { RedeliverRequest__Output } from '@heed/contracts/gen/heed/propagation/v1/RedeliverRequest.ts'
import type { ResolveDeliveryRequest__Output } from '@heed/contracts/gen/heed/propagation/v1/ResolveDeliveryRequest.ts'
import type { StartBackfillRequest__Output } from '@heed/contracts/gen/heed/propagation/v1/StartBackfillRequest.ts'
import {
  type Change,
  type DeliveryId,
  deliveriesFor,
  deliveryIdOf,
  findRecipient,
  type Policy,
  parseDeliveryId,
  parseRecipientId,
  type RecipientId,
  type SubjectId,
} from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { type CallContext, GrpcFault, type ServedService, status } from '@heed/platform/grpc'
import type { OutgoingRecord, Publisher } from '@heed/platform/kafka'
import { backfillProgress } from './backfill-progress.ts'
import { type BackfillRow, type BackfillRows, BackfillRunning } from './backfill-rows.ts'
import { policyHandlers } from './policy-api.ts'
import type { NamedPolicy } from './policy-changes.ts'
import type { PolicyStore } from './policy-store.ts'
import { type Act, actRecord, deliveryRecord, pausedRecord, resolvedRecord } from './records.ts'
import type { Snapshots } from './snapshots.ts'
import { Validation } from './validation.ts'

/** What the RPCs need. */
export interface PropagationApiOptions {
  readonly policy: Policy
  /** SHA-256 of its file. */
  readonly policySha256: string
  readonly policies: PolicyStore
  readonly topics: Topics
  readonly publisher: Publisher
  readonly snapshots: Snapshots
  readonly backfills: BackfillRows
  /** Called when a backfill was started, stopped or resumed. */
  readonly wake: () => void
  readonly clock: Clock
}

const operate = 'propagation:operate'
const read = ['propagation:read', operate]
const watchEveryMs = 250
const snapshotTimeoutMs = 8_000
const mostRecipients = 1_000

/** PropagationService: what operators do about recipients and deliveries. Each act is on its topics before its call is answered. */
export function propagationApi(options: PropagationApiOptions): ServedService {
  const { policy, policies, topics, publisher, snapshots, backfills, wake, clock } = options
  const served: NamedPolicy = { policy, sha256: options.policySha256 }

  const newestOf = async (subjectId: SubjectId, signal: AbortSignal): Promise<Change> => {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(snapshotTimeoutMs)])
    try {
      for await (const { changes } of snapshots.scan({ subjectId, signal: bounded })) {
        const [change] = changes
        if (change !== undefined) return change
      }
    } catch (thrown) {
      if (thrown instanceof GrpcFault && thrown.code === status.NOT_FOUND) throw unknownSubject()
      throw GrpcFault.unavailable(
        'PREFERENCES_UNAVAILABLE',
        'preferences cannot be asked now',
        1,
        thrown instanceof Error ? thrown : undefined,
      )
    }
    throw unknownSubject()
  }

  /** All or nothing as far as the caller is told: what is published twice under one id is one. */
  const publish = async (records: readonly OutgoingRecord[]): Promise<void> => {
    try {
      await publisher.publish(records)
    } catch (thrown) {
      throw GrpcFault.unavailable(
        'BROKER_UNAVAILABLE',
        'the broker did not take it; nothing or a part of it may have happened: repeat the call',
        1,
        asCause(thrown),
      )
    }
  }

  const act = (context: CallContext, what: Omit<Act, 'by' | 'at'>, at: number): OutgoingRecord =>
    actRecord(topics, { ...what, by: context.caller.id, at })

  const redeliver = async (request: RedeliverRequest__Output, context: CallContext) => {
    const given = new Validation(policy)
    const subjectId = given.subject('subject_id', request.subjectId)
    if (request.recipientIds.length > mostRecipients) given.refuse('recipient_ids', `must be at most ${mostRecipients}`)
    const only = request.recipientIds.slice(0, mostRecipients).map((id, index) => given.recipient(`recipient_ids[${index}]`, id))
    const why = given.text('reason', request.reason)
    given.done()
    if (subjectId === undefined) throw unknownSubject()
    const change = await newestOf(subjectId, context.signal)
    const now = clock.now()
    const deliveries = deliveriesFor(policy, change, {
      all: true,
      assertion: now,
      ...(only.length === 0 ? {} : { only: only.filter((id) => id !== undefined) }),
    })
    await publish([
      ...deliveries.map((delivery) => deliveryRecord(topics, delivery)),
      act(context, { act: 'redelivery-requested', subjectId: change.snapshot.subjectId, why }, now),
    ])
    return { deliveryIds: deliveries.map(({ id }) => id) }
  }

  const pauseOrResume = (paused: boolean) => async (request: PauseRecipientRequest__Output, context: CallContext) => {
    const given = new Validation(policy)
    const recipientId = given.recipient('recipient_id', request.recipientId)
    const reason = given.text('reason', request.reason)
    given.done()
    if (recipientId === undefined) return {}
    const at = clock.now()
    await publish([
      pausedRecord(topics, { recipientId, paused, by: context.caller.id, reason, at }),
      act(context, { act: paused ? 'recipient-paused' : 'recipient-resumed', recipientId, why: reason }, at),
    ])
    return {}
  }

  const resolveDelivery = async (request: ResolveDeliveryRequest__Output, context: CallContext) => {
    const given = new Validation(policy)
    const named = parseDeliveryId(request.deliveryId)
    // what a recipient was owed stays owed when the policy names it no more, and can be ended by a person
    const former =
      named !== undefined && findRecipient(policy, named.recipientId) === undefined && (await policies.everNamed(named.recipientId))
    const parts = former ? named : given.delivery('delivery_id', request.deliveryId)
    const by = given.text('resolved_by', request.resolvedBy, 128)
    const why = given.text('why', request.why)
    const byPerson = parts !== undefined && findRecipient(policy, parts.recipientId)?.fulfilment.by === 'person'
    const evidence = given.evidence('evidence', request.evidence, { needed: byPerson })
    given.done()
    if (parts === undefined) return {}
    const { recipientId, subjectId, version } = parts
    const newest = await newestOf(subjectId, context.signal)
    // of a subject that was carried over to another one, older versions are resolved without this check
    if (newest.snapshot.subjectId === subjectId && version > newest.snapshot.version) {
      throw GrpcFault.notFound('DELIVERY_UNKNOWN', 'the subject has no such version')
    }
    const deliveryId: DeliveryId = deliveryIdOf(recipientId, subjectId, version)
    const at = clock.now()
    await publish([
      resolvedRecord(topics, { deliveryId, recipientId, subjectId, version, by, why, ...(evidence === undefined ? {} : { evidence }), at }),
      act(context, { act: 'delivery-resolved', recipientId, subjectId, deliveryId, why }, at),
    ])
    return {}
  }

  const startBackfill = async (request: StartBackfillRequest__Output, context: CallContext) => {
    const given = new Validation(policy)
    const recipientId = given.recipient('recipient_id', request.recipientId)
    const reason = given.text('reason', request.reason)
    if (request.maxPerSecond < 0) given.refuse('max_per_second', 'must be 0 (no limit of its own) or more')
    given.done()
    if (recipientId === undefined) throw GrpcFault.notFound('RECIPIENT_UNKNOWN', 'the policy names no such recipient')
    const row = await oneAtATime(() => backfills.start({ recipientId, maxPerSecond: request.maxPerSecond, by: context.caller.id, reason }))
    wake()
    return { backfill: backfillProgress(row) }
  }

  const backfillId = (text: string): string => {
    const given = new Validation(policy)
    const id = given.backfill('backfill_id', text)
    given.done()
    return id
  }

  const stopBackfill = async (request: { backfillId: string }, context: CallContext) => {
    const row = existing(await backfills.stop(backfillId(request.backfillId), context.caller.id))
    wake()
    return { backfill: backfillProgress(row) }
  }

  const resumeBackfill = async (request: { backfillId: string }, context: CallContext) => {
    const row = existing(await oneAtATime(() => backfills.resume(backfillId(request.backfillId), context.caller.id)))
    if (row.state === 'completed') {
      throw new GrpcFault({ code: status.FAILED_PRECONDITION, reason: 'BACKFILL_COMPLETED', message: 'it is complete: start another one' })
    }
    wake()
    return { backfill: backfillProgress(row) }
  }

  const listBackfills = async (request: ListBackfillsRequest__Output) => {
    // one that the policy does not name any more may have been backfilled before
    const recipientId: RecipientId | undefined = parseRecipientId(request.recipientId)
    if (recipientId === undefined && request.recipientId !== '') {
      throw GrpcFault.badRequest([{ field: 'recipient_id', description: 'is no recipient id' }])
    }
    return { backfills: (await backfills.list(recipientId)).map(backfillProgress) }
  }

  async function* watchBackfill(id: string, context: CallContext): AsyncIterable<{ backfill: BackfillProgress }> {
    let last = ''
    while (!context.signal.aborted) {
      const row = existing(await backfills.find(id))
      const backfill = backfillProgress(row)
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
      DiffPolicy: read,
      ApplyPolicy: operate,
    },
    handlers: {
      StartBackfill: startBackfill,
      StopBackfill: stopBackfill,
      ResumeBackfill: resumeBackfill,
      ListBackfills: listBackfills,
      WatchBackfill: (request: { backfillId: string }, context: CallContext) => watchBackfill(backfillId(request.backfillId), context),
      Redeliver: redeliver,
      PauseRecipient: pauseOrResume(true),
      ResumeRecipient: pauseOrResume(false),
      ResolveDelivery: resolveDelivery,
      ...policyHandlers({ served, policies, backfills, snapshots, topics, publish, wake, clock }),
    },
  }
}

const unknownSubject = () => GrpcFault.notFound('SUBJECT_UNKNOWN', 'there is no such subject, or it has chosen nothing yet')

const asCause = (thrown: unknown): Error | undefined => (thrown instanceof Error ? thrown : undefined)

function existing(row: BackfillRow | undefined): BackfillRow {
  if (row === undefined) throw GrpcFault.notFound('BACKFILL_UNKNOWN', 'there is no such backfill')
  return row
}

async function oneAtATime<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (thrown) {
    if (!(thrown instanceof BackfillRunning)) throw thrown
    const message = `${thrown.message}: stop it first, or watch it`
    throw new GrpcFault({ code: status.FAILED_PRECONDITION, reason: 'BACKFILL_RUNNING', message }, { cause: thrown })
  }
}
