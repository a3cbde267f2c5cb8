import { createHash } from 'node:crypto'
import { PolicyFileError, parsePolicyText, type Topics } from '@heed/contracts'
import type { ApplyPolicyRequest__Output } from '@heed/contracts/gen/heed/propagation/v1/ApplyPolicyRequest.ts'
import type { ApplyPolicyResponse } from '@heed/contracts/gen/heed/propagation/v1/ApplyPolicyResponse.ts'
import type { DiffPolicyRequest__Output } from '@heed/contracts/gen/heed/propagation/v1/DiffPolicyRequest.ts'
import type { DiffPolicyResponse } from '@heed/contracts/gen/heed/propagation/v1/DiffPolicyResponse.ts'
import { recipientsToldAnew } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { type CallContext, GrpcFault, status } from '@heed/platform/grpc'
import type { OutgoingRecord } from '@heed/platform/kafka'
import { backfillProgress } from './backfill-progress.ts'
import { type BackfillRow, type BackfillRows, BackfillRunning } from './backfill-rows.ts'
import { applicationId, backfillIdOf, countDifference, type NamedPolicy, policyName } from './policy-changes.ts'
import type { PolicyStore, ServedPolicy } from './policy-store.ts'
import { actRecord } from './records.ts'
import type { Snapshots } from './snapshots.ts'
import { Validation } from './validation.ts'

/** What the calls about policies need. */
export interface PolicyApiOptions {
  /** The policy in force. */
  readonly served: NamedPolicy
  readonly policies: PolicyStore
  readonly backfills: BackfillRows
  readonly snapshots: Snapshots
  readonly topics: Topics
  /** All or nothing as far as the caller is told. */
  readonly publish: (records: readonly OutgoingRecord[]) => Promise<void>
  /** Called when a backfill was started. */
  readonly wake: () => void
  readonly clock: Clock
}

const longestPolicy = 1_000_000

/** DiffPolicy and ApplyPolicy. */
export function policyHandlers(options: PolicyApiOptions) {
  const { served, policies, backfills, snapshots, topics, publish, wake, clock } = options

  const applied = async (): Promise<ServedPolicy> => {
    const found = await policies.applied()
    if (found === undefined) throw GrpcFault.unavailable('POLICY_NOT_KEPT', 'the policy in force is not kept yet', 1)
    return found
  }

  const given = (text: string): NamedPolicy => {
    if (text === '') return served
    if (text.length > longestPolicy) throw GrpcFault.badRequest([{ field: 'policy_text', description: 'has at most a million characters' }])
    try {
      return { policy: parsePolicyText(text, 'policy_text'), sha256: createHash('sha256').update(text).digest('hex') }
    } catch (thrown) {
      if (!(thrown instanceof PolicyFileError)) throw thrown
      throw GrpcFault.badRequest(
        thrown.problems.slice(0, 20).map(({ line, column, path, message }) => ({
          field: 'policy_text',
          description: `${line}:${column} ${path === '' ? '' : `${path}: `}${message}`,
        })),
      )
    }
  }

  /** Begins what is due; what was begun by an earlier try of the same is not begun again. */
  const begin = async (before: ServedPolicy, wish: { maxPerSecond: number; by: string; reason: string }): Promise<BackfillRow[]> => {
    const application = applicationId(before, served)
    const concerned = recipientsToldAnew(before.policy, served.policy)
    const inTheWay = (await backfills.running()).filter((row) => concerned.includes(row.recipientId) && row.application?.id !== application)
    if (inTheWay.length > 0) {
      throw new GrpcFault({
        code: status.FAILED_PRECONDITION,
        reason: 'BACKFILL_RUNNING',
        message: `a backfill is running of ${inTheWay.map(({ recipientId }) => recipientId).join(', ')}: stop it first, or wait for its end`,
      })
    }
    const rows: BackfillRow[] = []
    for (const recipientId of concerned) {
      const id = backfillIdOf(application, recipientId)
      rows.push(await backfills.start({ id, recipientId, ...wish, application: { id: application, before: before.sha256 } }))
    }
    const why = `policy ${served.policy.id} ${served.policy.version}: ${wish.reason}`.slice(0, 500)
    await publish([actRecord(topics, { actId: `policy-applied/${application}`, act: 'policy-applied', by: wish.by, at: clock.now(), why })])
    await policies.apply(served.sha256, application)
    wake()
    return rows
  }

  return {
    DiffPolicy: async function* (request: DiffPolicyRequest__Output, context: CallContext): AsyncIterable<DiffPolicyResponse> {
      const after = given(request.policyText)
      yield* countDifference(await applied(), after, { snapshots, signal: context.signal })
    },

    ApplyPolicy: async (request: ApplyPolicyRequest__Output, context: CallContext): Promise<ApplyPolicyResponse> => {
      const checked = new Validation(served.policy)
      const reason = checked.text('reason', request.reason)
      if (request.maxPerSecond < 0) checked.refuse('max_per_second', 'must be 0 (no limit of its own) or more')
      checked.done()
      const before = await applied()
      const names = { before: policyName(before), after: policyName(served) }
      if (before.sha256 === served.sha256) {
        const begun = before.application === undefined ? [] : await backfills.ofApplication(before.application)
        return { ...names, backfills: begun.map(backfillProgress) }
      }
      try {
        const rows = await begin(before, { maxPerSecond: request.maxPerSecond, by: context.caller.id, reason })
        return { ...names, backfills: rows.map(backfillProgress) }
      } catch (thrown) {
        if (!(thrown instanceof BackfillRunning)) throw thrown
        throw new GrpcFault({ code: status.FAILED_PRECONDITION, reason: 'BACKFILL_RUNNING', message: thrown.message }, { cause: thrown })
      }
    },
  }
}
