import { loadService } from '@heed/contracts'
import type { ChangeStatus as WireChangeStatus } from '@heed/contracts/gen/heed/audit/v1/ChangeStatus.ts'
import type { GetChangeStatusRequest__Output } from '@heed/contracts/gen/heed/audit/v1/GetChangeStatusRequest.ts'
import type { ListOpenDeliveriesRequest__Output } from '@heed/contracts/gen/heed/audit/v1/ListOpenDeliveriesRequest.ts'
import type { ListOpenDeliveriesResponse } from '@heed/contracts/gen/heed/audit/v1/ListOpenDeliveriesResponse.ts'
import type { ListRecipientStatusResponse } from '@heed/contracts/gen/heed/audit/v1/ListRecipientStatusResponse.ts'
import type { ListSubjectTimelineRequest__Output } from '@heed/contracts/gen/heed/audit/v1/ListSubjectTimelineRequest.ts'
import type { ListSubjectTimelineResponse } from '@heed/contracts/gen/heed/audit/v1/ListSubjectTimelineResponse.ts'
import type { WatchChangeStatusRequest__Output } from '@heed/contracts/gen/heed/audit/v1/WatchChangeStatusRequest.ts'
import {
  type ChangeId,
  type Policy,
  parseChangeId,
  parseRecipientId,
  parseSubjectId,
  type RecipientId,
  type WaitReason,
  waitReasons,
} from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { type CallContext, GrpcFault, type ServedService } from '@heed/platform/grpc'
import type { LogReader } from '@heed/trail'
import type { AuditStore } from './audit-store.ts'
import type { ChangeSignals } from './change-signals.ts'
import { type ChangeStatus, readChangeStatus } from './change-status.ts'
import { type DisclosureReports, disclosureReportHandler, disclosureReportScope } from './disclosure-report-api.ts'
import type { EvidenceSources } from './log/evidence.ts'
import { exportEvidence } from './log/evidence-api.ts'
import type { LogSettings } from './log/keeper.ts'
import { logHandlers } from './log/log-api.ts'
import { changeMessage, deliveryMessage, entryMessage, ownersOf, recipientMessage } from './messages.ts'
import { listOpenDeliveries } from './open-deliveries.ts'
import { pageToken, readPageToken } from './page-token.ts'
import type { RecipientStatus } from './recipient-status.ts'

/** What the API answers from. */
export interface AuditApiOptions {
  readonly store: AuditStore
  readonly policy: Policy
  readonly signals: ChangeSignals
  readonly status: () => Promise<readonly RecipientStatus[]>
  readonly clock: Clock
  readonly reports: DisclosureReports
  readonly reader: LogReader
  /** Undefined where no log is kept. */
  readonly logSettings: LogSettings | undefined
  /** What evidence is gathered from; undefined where no log is kept. */
  readonly evidence: EvidenceSources | undefined
  /** Whether this process appends to the trail, and so hears of everything at once. */
  readonly leading: () => boolean
}

const defaultPage = 100
const largestPage = 1_000
// What this process appends is told at once; what another one appends is seen within a second.
const lookAgainMs = { leading: 15_000, standingBy: 1_000 }
// How long a watch waits for a change that the trail has not heard of: its caller may know of it before the topic does.
const unknownForMs = 30_000

const scope = 'audit:read'

/** `heed.audit.v1.AuditService` on what the trail knows. Every method needs the scope `audit:read`. */
export function auditApi(options: AuditApiOptions): ServedService {
  const { store, policy, signals, status, clock, leading } = options
  const ownerOf = ownersOf(policy)

  const known = async (changeId: ChangeId): Promise<ChangeStatus> => {
    const found = await readChangeStatus(store, changeId)
    if (found === undefined) throw GrpcFault.notFound('CHANGE_UNKNOWN', 'the trail knows no such change')
    return found
  }

  async function* watch(changeId: ChangeId, context: CallContext): AsyncIterable<{ status: WireChangeStatus }> {
    const listener = signals.listen(changeId)
    const startedAt = clock.now()
    let last = ''
    try {
      while (!context.signal.aborted) {
        const found = await readChangeStatus(store, changeId)
        if (found === undefined && clock.now() - startedAt > unknownForMs) await known(changeId)
        if (found !== undefined) {
          const message = changeMessage(found, ownerOf)
          const text = JSON.stringify(message)
          if (text !== last) yield { status: message }
          last = text
          if (found.settled) return
        }
        await listener.next(leading() ? lookAgainMs.leading : lookAgainMs.standingBy, context.signal)
      }
    } finally {
      listener.stop()
    }
  }

  return {
    definition: loadService('heed.audit.v1.AuditService'),
    scopes: {
      GetChangeStatus: scope,
      WatchChangeStatus: scope,
      ListSubjectTimeline: scope,
      ListRecipientStatus: scope,
      ListOpenDeliveries: scope,
      DisclosureReport: disclosureReportScope,
      GetCheckpoint: scope,
      ProveInclusion: scope,
      ProveConsistency: scope,
      ListEntries: scope,
      ExportEvidence: scope,
    },
    handlers: {
      DisclosureReport: disclosureReportHandler(options.reports),

      GetChangeStatus: async (request: GetChangeStatusRequest__Output) => ({
        status: changeMessage(await known(changeIdIn(request.changeId)), ownerOf),
      }),

      WatchChangeStatus: (request: WatchChangeStatusRequest__Output, context: CallContext) => watch(changeIdIn(request.changeId), context),

      ListSubjectTimeline: async (request: ListSubjectTimelineRequest__Output): Promise<ListSubjectTimelineResponse> => {
        const subjectId = parseSubjectId(request.subjectId)
        if (subjectId === undefined)
          throw GrpcFault.badRequest([{ field: 'subject_id', description: 'is no subject id: s- and 26 characters' }])
        const limit = pageSizeIn(request.pageSize)
        const [after] = placeIn([subjectId], request.pageToken, ['number'])
        const rows = await store.entries
          .find(
            { subjectId, ...(after === undefined ? {} : { _id: { $gt: Number(after) } }) },
            { sort: { subjectId: 1, _id: 1 }, limit, hint: 'timeline' },
          )
          .toArray()
        const last = rows.at(-1)
        return {
          entries: rows.map(entryMessage),
          nextPageToken: rows.length < limit || last === undefined ? '' : pageToken([subjectId], [last._id]),
        }
      },

      ListRecipientStatus: async (): Promise<ListRecipientStatusResponse> => ({ recipients: (await status()).map(recipientMessage) }),

      ListOpenDeliveries: async (request: ListOpenDeliveriesRequest__Output): Promise<ListOpenDeliveriesResponse> => {
        const { recipientId, wait } = openFilters(request)
        const owned = request.ownerRole === '' ? undefined : policy.recipients.filter(({ id }) => ownerOf(id) === request.ownerRole)
        const limit = pageSizeIn(request.pageSize)
        const question = [request.recipientId, request.waitReason, request.ownerRole]
        const [since, id] = placeIn(question, request.pageToken, ['number', 'string'])
        const rows = await listOpenDeliveries(store, {
          ...(recipientId === undefined ? {} : { recipientId }),
          ...(wait === undefined ? {} : { wait }),
          ...(owned === undefined ? {} : { among: owned.map(({ id }) => id) }),
          ...(since === undefined || id === undefined ? {} : { after: { since: Number(since), id: String(id) } }),
          limit,
        })
        const last = rows.at(-1)
        return {
          deliveries: rows.map((row) => deliveryMessage(row, ownerOf)),
          nextPageToken: rows.length < limit || last === undefined ? '' : pageToken(question, [last.since, last._id]),
        }
      },

      ...logHandlers(options.reader, options.logSettings),
      ExportEvidence: exportEvidence(options.evidence),
    },
  }
}

function changeIdIn(text: string): ChangeId {
  if (parseChangeId(text) === undefined)
    throw GrpcFault.badRequest([{ field: 'change_id', description: 'is no change id: <subject id>/<version>' }])
  return text as ChangeId
}

function pageSizeIn(size: number): number {
  if (size < 0) throw GrpcFault.badRequest([{ field: 'page_size', description: 'cannot be negative; 0 takes the default of 100' }])
  return size === 0 ? defaultPage : Math.min(size, largestPage)
}

function placeIn(question: readonly string[], token: string, types: readonly ('string' | 'number')[]): readonly (string | number)[] {
  if (token === '') return []
  const place = readPageToken(question, token)
  if (place === undefined || place.length !== types.length || place.some((part, index) => typeof part !== types[index])) {
    throw GrpcFault.badRequest([{ field: 'page_token', description: 'is no token of this list with these filters' }])
  }
  return place
}

function openFilters(request: ListOpenDeliveriesRequest__Output): { recipientId?: RecipientId; wait?: WaitReason } {
  const violations: { field: string; description: string }[] = []
  const recipientId = parseRecipientId(request.recipientId)
  if (request.recipientId !== '' && recipientId === undefined) violations.push({ field: 'recipient_id', description: 'is no recipient id' })
  const wait = waitReasons.find((reason) => reason === request.waitReason)
  if (request.waitReason !== '' && wait === undefined) {
    violations.push({ field: 'wait_reason', description: `is none of ${waitReasons.join(', ')}` })
  }
  if (violations.length > 0) throw GrpcFault.badRequest(violations)
  return { ...(recipientId === undefined ? {} : { recipientId }), ...(wait === undefined ? {} : { wait }) }
}
