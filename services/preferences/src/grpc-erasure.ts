import { hash } from 'node:crypto'
import { identifierKindWords, toTimestamp } from '@heed/contracts'
import type { AuthorizeDisclosureRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/AuthorizeDisclosureRequest.ts'
import type { AuthorizeDisclosureResponse } from '@heed/contracts/gen/heed/preferences/v1/AuthorizeDisclosureResponse.ts'
import type { EraseSubjectRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/EraseSubjectRequest.ts'
import type { EraseSubjectResponse } from '@heed/contracts/gen/heed/preferences/v1/EraseSubjectResponse.ts'
import type { ErasureCause as WireCause } from '@heed/contracts/gen/heed/preferences/v1/ErasureCause.ts'
import type { ErasureStage as WireStage } from '@heed/contracts/gen/heed/preferences/v1/ErasureStage.ts'
import type { ErasureStatus } from '@heed/contracts/gen/heed/preferences/v1/ErasureStatus.ts'
import type { ImportSuppressionsRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/ImportSuppressionsRequest.ts'
import type { ImportSuppressionsResponse } from '@heed/contracts/gen/heed/preferences/v1/ImportSuppressionsResponse.ts'
import type { ListErasuresRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/ListErasuresRequest.ts'
import type { ListErasuresResponse } from '@heed/contracts/gen/heed/preferences/v1/ListErasuresResponse.ts'
import type { MarkKnownChildRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/MarkKnownChildRequest.ts'
import type { MarkKnownChildResponse } from '@heed/contracts/gen/heed/preferences/v1/MarkKnownChildResponse.ts'
import type { PlanErasureRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/PlanErasureRequest.ts'
import type { PlanErasureResponse } from '@heed/contracts/gen/heed/preferences/v1/PlanErasureResponse.ts'
import { changeIdOf, type SubjectId } from '@heed/domain'
import { type CallContext, GrpcFault } from '@heed/platform/grpc'
import type { SuppressionsImportedRow } from './acts.ts'
import type { DisclosureGate } from './authorize-disclosure.ts'
import type { ClaimedIdentifier } from './directory.ts'
import { Door, type DoorContext, requestRowId } from './door.ts'
import type { Eraser, ErasureView } from './erase-subject.ts'
import { lastingReference, parseDisclosure, parseErase } from './erasure-requests.ts'
import type { ErasureCause, ErasureRow, ErasureStage } from './erasure-rows.ts'
import { unknownSubject } from './faults.ts'
import { planned } from './grpc-reads.ts'
import type { SuppressionImport } from './import-suppressions.ts'
import type { People } from './people.ts'
import { planErasure, sortedCounts } from './plan-erasure.ts'
import type { Store } from './rows.ts'
import { permissionReasons } from './wire-words.ts'

/** Who may do what about forgetting; denied to everybody who was not given it. */
export const erasureScopes = {
  EraseSubject: 'subjects:erase',
  PlanErasure: 'erasures:read',
  ListErasures: 'erasures:read',
  MarkKnownChild: 'subjects:mark-child',
  ImportSuppressions: 'suppressions:import',
  AuthorizeDisclosure: 'disclosures:authorize',
} as const

/** What the calls about forgetting need. */
export interface ErasureApi {
  readonly door: DoorContext
  readonly eraser: Pick<Eraser, 'begin' | 'find'>
  readonly people: People
  readonly suppressionImport: SuppressionImport
  readonly disclosures: DisclosureGate
  readonly store: Pick<Store, 'erasures' | 'acts'>
  readonly limitMs: number
  readonly now: () => number
  readonly recorded: () => void
}

const stages: Readonly<Record<ErasureStage, WireStage>> = {
  requested: 'ERASURE_STAGE_REQUESTED',
  'recipients-told': 'ERASURE_STAGE_RECIPIENTS_TOLD',
  'identifiers-destroyed': 'ERASURE_STAGE_IDENTIFIERS_DESTROYED',
  completed: 'ERASURE_STAGE_COMPLETED',
}
const causes: Readonly<Record<ErasureCause, WireCause>> = {
  request: 'ERASURE_CAUSE_REQUEST',
  'known-child': 'ERASURE_CAUSE_KNOWN_CHILD',
}

function statusOf(row: ErasureRow, limitMs: number): ErasureStatus {
  const changeId = (version: number | undefined) => (version === undefined ? '' : changeIdOf(row._id, version))
  const requestedAt = row.requestedAt.getTime()
  return {
    subjectId: row._id,
    stage: stages[row.stage],
    cause: causes[row.cause],
    requestedAt: toTimestamp(requestedAt),
    latestAt: toTimestamp(requestedAt + limitMs),
    denialChangeId: changeId(row.denial),
    erasureChangeId: changeId(row.erasure),
    completedAt: row.completedAt === undefined ? null : toTimestamp(row.completedAt.getTime()),
    waitingFor: row.waitingFor ?? (row.stage === 'requested' ? 'opt-outs' : row.stage === 'recipients-told' ? 'erasures' : ''),
    openDeliveries: row.destruction?.openDeliveries ?? row.openDeliveries ?? 0,
  }
}

function viewOf(view: ErasureView, limitMs: number): ErasureStatus {
  if (view.kind === 'erasure') return statusOf(view.row, limitMs)
  return {
    subjectId: '',
    stage: 'ERASURE_STAGE_COMPLETED',
    cause: view.child ? 'ERASURE_CAUSE_KNOWN_CHILD' : 'ERASURE_CAUSE_REQUEST',
    requestedAt: toTimestamp(view.since),
  }
}

const defaultPage = 100
const largestPage = 1_000
const mostRefusals = 100

/** The place of a page: after this erasure. */
function pageTokenOf(row: ErasureRow): string {
  return Buffer.from(`${row.requestedAt.getTime()} ${row._id}`, 'latin1').toString('base64url')
}

function parsePageToken(token: string): { at: Date; id: SubjectId } | undefined {
  const parts = /^(\d{1,15}) (s-[0-9a-z]{26})$/.exec(Buffer.from(token, 'base64url').toString('latin1'))
  return parts === null ? undefined : { at: new Date(Number(parts[1])), id: parts[2] as SubjectId }
}

/** EraseSubject, PlanErasure, ListErasures, MarkKnownChild, ImportSuppressions and AuthorizeDisclosure. */
export function erasureHandlers(api: ErasureApi) {
  const { eraser, people, suppressionImport, disclosures, store, limitMs, now, recorded } = api
  const { policy } = api.door

  const importAll = async (
    requests: AsyncIterable<ImportSuppressionsRequest__Output>,
    context: CallContext,
  ): Promise<ImportSuppressionsResponse> => {
    const counts = { suppressed: 0, known: 0, denied: 0, unchanged: 0, refused: 0 }
    const refusals: { index: number; description: string }[] = []
    const caller = context.caller.id
    let given: { requestId: string; reference: string } | undefined
    let index = 0
    for await (const { requestId, reference, identifiers } of requests) {
      const head = new Door(api.door)
      if (given === undefined) {
        head.requestId('request_id', requestId)
        lastingReference(head, 'reference', reference)
        given = { requestId, reference }
      } else if (requestId !== given.requestId) head.refuse('request_id', 'every message of a stream carries the same')
      head.count('identifiers', identifiers, 1, 1_000)
      head.done()
      const claims: ClaimedIdentifier[] = []
      for (const identifier of identifiers) {
        const door = new Door(api.door)
        const claim = door.identifier('identifier', identifier)
        if (claim !== undefined) claims.push(claim)
        else {
          counts.refused += 1
          if (refusals.length < mostRefusals) refusals.push({ index, description: descriptionOf(door) })
        }
        index += 1
      }
      const taken = await suppressionImport.take(claims, {
        rowId: requestRowId(caller, given.requestId),
        reference: given.reference,
        caller,
      })
      for (const name of ['suppressed', 'known', 'denied', 'unchanged'] as const) counts[name] += taken[name]
    }
    if (given === undefined) throw GrpcFault.badRequest([{ field: 'identifiers', description: 'the stream carried nothing' }], 'EMPTY')
    const act: Omit<SuppressionsImportedRow, '_id'> = {
      type: 'heed.suppressions.imported.v1',
      at: new Date(now()),
      by: caller,
      publishedAt: null,
      reference: given.reference,
      ...counts,
    }
    const digest = hash('sha256', requestRowId(caller, given.requestId), 'base64url').slice(0, 32)
    await store.acts.updateOne({ _id: `suppressions/${digest}` }, { $setOnInsert: act }, { upsert: true })
    recorded()
    return { ...counts, refusals }
  }

  return {
    EraseSubject: async (request: EraseSubjectRequest__Output, context: CallContext): Promise<EraseSubjectResponse> => {
      const view = await eraser.begin(parseErase(request, 'request', context.caller.id, api.door))
      return { status: viewOf(view, limitMs) }
    },

    MarkKnownChild: async (request: MarkKnownChildRequest__Output, context: CallContext): Promise<MarkKnownChildResponse> => {
      const view = await eraser.begin(parseErase(request, 'known-child', context.caller.id, api.door))
      return { status: viewOf(view, limitMs) }
    },

    PlanErasure: async (request: PlanErasureRequest__Output): Promise<PlanErasureResponse> => {
      const door = new Door(api.door)
      const ref = door.person('subject', request.subject)
      door.done()
      if (ref === undefined) throw unknownSubject()
      const [person] = await people.find([ref], () => 'subject')
      if (person === undefined) throw unknownSubject()
      const kinds = await people.kinds(person)
      // somebody whom nobody knows yet would come in with the identifier of the request
      if (person.subjectId === undefined && ref.by === 'identifier') kinds.set(ref.identifier.kind, 1)
      const row = person.subjectId === undefined ? undefined : await eraser.find(person.subjectId)
      const plan = planErasure(policy, person.snapshot, now())
      return {
        subjectId: person.subjectId ?? '',
        mergedSubjectIds: (person.row?.absorbs ?? []).filter((id) => id !== person.subjectId),
        identifiers: sortedCounts(kinds).map(({ kind, count }) => ({ kind: identifierKindWords.toWire(kind), count })),
        denials: plan.denials.map((delivery) => planned(policy, delivery, kinds)),
        erasures: plan.erasures.map((delivery) => planned(policy, delivery, kinds)),
        notErased: [...plan.notErased],
        kept: [...plan.kept],
        latestAt: toTimestamp((row?.requestedAt.getTime() ?? now()) + limitMs),
        status: row === undefined ? null : statusOf(row, limitMs),
      }
    },

    ListErasures: async (request: ListErasuresRequest__Output): Promise<ListErasuresResponse> => {
      const door = new Door(api.door)
      const subjectId = request.subjectId === '' ? undefined : door.subjectId('subject_id', request.subjectId)
      const after = request.pageToken === '' ? undefined : parsePageToken(request.pageToken)
      if (request.pageToken !== '' && after === undefined) door.refuse('page_token', 'is no token of this list')
      if (request.pageSize < 0) door.refuse('page_size', 'cannot be negative; 0 takes the default of 100')
      door.done()
      if (subjectId !== undefined) {
        const row = await eraser.find(subjectId)
        return { erasures: row === undefined ? [] : [statusOf(row, limitMs)], nextPageToken: '' }
      }
      const limit = request.pageSize === 0 ? defaultPage : Math.min(request.pageSize, largestPage)
      const beyond =
        after === undefined ? {} : { $or: [{ requestedAt: { $gt: after.at } }, { requestedAt: after.at, _id: { $gt: after.id } }] }
      const rows = await store.erasures
        .find({ lookAt: { $exists: true }, ...beyond }, { hint: 'open', sort: { requestedAt: 1, _id: 1 }, limit })
        .toArray()
      const last = rows.at(-1)
      return {
        erasures: rows.map((row) => statusOf(row, limitMs)),
        nextPageToken: rows.length < limit || last === undefined ? '' : pageTokenOf(last),
      }
    },

    ImportSuppressions: importAll,

    AuthorizeDisclosure: async (
      request: AuthorizeDisclosureRequest__Output,
      context: CallContext,
    ): Promise<AuthorizeDisclosureResponse> => {
      const answers = await disclosures.authorize(parseDisclosure(request, context.caller.id, api.door))
      const allowed = answers.filter(({ permission }) => permission.allowed).length
      return {
        results: answers.map(({ permission, subjectId }) => ({
          allowed: permission.allowed,
          reason: permissionReasons[permission.reason],
          subjectId: subjectId ?? '',
        })),
        allowed,
        denied: answers.length - allowed,
      }
    },
  }
}

/** What the door found wrong with a single identifier. */
function descriptionOf(door: Door): string {
  try {
    door.done()
    return ''
  } catch (thrown) {
    if (!(thrown instanceof GrpcFault)) throw thrown
    return thrown.violations[0]?.description ?? thrown.message
  }
}
