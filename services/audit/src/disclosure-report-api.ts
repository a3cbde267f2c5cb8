import { identifierKindWords, toTimestamp } from '@heed/contracts'
import type { DisclosureReportRequest__Output } from '@heed/contracts/gen/heed/audit/v1/DisclosureReportRequest.ts'
import type { DisclosureReportResponse } from '@heed/contracts/gen/heed/audit/v1/DisclosureReportResponse.ts'
import { isReference, mustBeTold, type Policy, parseSubjectId, type SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { type CallContext, type FieldViolation, GrpcFault, status } from '@heed/platform/grpc'
import { scrubText } from '@heed/platform/log'
import type { AuditStore } from './audit-store.ts'
import { type DisclosedTo, gatherDisclosures, personOf } from './disclosure-report.ts'
import { countReport, reportsOf, yearOf } from './report-rows.ts'

/** Who may give out a report: a caller of `audit:read` may not. */
export const disclosureReportScope = 'disclosures:report'

/** What reports are made of. */
export interface DisclosureReports {
  readonly store: AuditStore
  readonly policy: Policy
  readonly clock: Clock
  /** Called after a report was counted. */
  readonly counted: () => void
}

const requestIdPattern = /^[A-Za-z0-9._:-]{1,128}$/

/** DisclosureReport. A preview counts nothing; a report that is given is counted before it leaves. */
export function disclosureReportHandler(reports: DisclosureReports) {
  const { store, policy, clock, counted } = reports
  return async (request: DisclosureReportRequest__Output, context: CallContext): Promise<DisclosureReportResponse> => {
    const { asked, ofYear } = checked(request, yearOf(clock.now()))
    const person = await personOf(store, asked)
    if (person === undefined) throw GrpcFault.notFound('SUBJECT_UNKNOWN', 'the trail knows no such subject')
    const { subjectId, merged } = person
    const recipients = (await gatherDisclosures(store, [subjectId, ...merged], ofYear)).result(policy)
    const now = clock.now()
    const told = new Set(recipients.map(({ recipientId }) => recipientId))
    const base = {
      subjectId,
      mergedSubjectIds: [...merged],
      generatedAt: toTimestamp(now),
      recipients: recipients.map(recipientMessage),
      notDisclosedRecipientIds: policy.recipients
        .filter((recipient) => mustBeTold(recipient) && !told.has(recipient.id))
        .map(({ id }) => id),
      preview: request.preview,
    }
    if (request.preview) {
      const given = await reportsOf(store, subjectId, yearOf(now))
      return { ...base, countedYear: yearOf(now), ordinal: given.length + 1, firstGivenAt: atOf(given[0]?.at) }
    }
    const row = await countReport(
      store,
      {
        _id: `${context.caller.id}:${request.requestId}`,
        subjectId,
        at: new Date(now),
        by: context.caller.id,
        reference: request.reference,
        ...(ofYear === undefined ? {} : { ofYear }),
        recipients: recipients.length,
      },
      clock,
    )
    if (row.subjectId !== subjectId || row.reference !== request.reference || row.ofYear !== ofYear) throw reusedRequestId()
    counted()
    const [first] = await reportsOf(store, subjectId, row.year)
    return { ...base, countedYear: row.year, ordinal: row.ordinal, firstGivenAt: row.ordinal === 1 ? null : atOf(first?.at) }
  }
}

function atOf(at: Date | undefined): { seconds: number; nanos: number } | null {
  return at === undefined ? null : toTimestamp(at.getTime())
}

function reusedRequestId(): GrpcFault {
  return new GrpcFault({
    code: status.ALREADY_EXISTS,
    reason: 'REQUEST_ID_REUSED',
    message: 'this request id stands for another report of yours; nothing was counted',
    violations: [{ field: 'request_id', description: 'repeat the request exactly, or choose a new id' }],
  })
}

function checked(request: DisclosureReportRequest__Output, thisYear: number): { asked: SubjectId; ofYear: number | undefined } {
  const violations: FieldViolation[] = []
  const asked = parseSubjectId(request.subjectId)
  if (asked === undefined) violations.push({ field: 'subject_id', description: 'is no subject id: s- and 26 characters' })
  const { year, preview, requestId, reference } = request
  if (year !== 0 && (year < 2000 || year > thisYear))
    violations.push({ field: 'year', description: `a year from 2000 to ${thisYear}, or 0 for all` })
  if (!preview && !requestIdPattern.test(requestId))
    violations.push({ field: 'request_id', description: 'choose 1 to 128 letters, digits and . _ : - that no other request of yours has' })
  if (!preview && (!isReference(reference) || scrubText(reference) !== reference))
    violations.push({
      field: 'reference',
      description: 'say by 1 to 128 letters, digits and . _ : - where you keep how you made sure who asks; no personal data',
    })
  if (asked === undefined || violations.length > 0) throw GrpcFault.badRequest(violations)
  return { asked, ofYear: year === 0 ? undefined : year }
}

function recipientMessage({ recipientId, named, kinds, times, firstAt, lastAt, policyVersions }: DisclosedTo) {
  return {
    recipientId,
    title: named?.title ?? '',
    role: named?.role ?? '',
    clause: named?.clause ?? '',
    quote: named?.quote ?? '',
    purposes: [...(named?.purposes ?? [])],
    kinds: kinds.map((one) => ({
      kind: identifierKindWords.toWire(one.kind),
      form: one.form,
      times: one.times,
      mostAtOnce: one.mostAtOnce,
      firstAt: toTimestamp(one.firstAt),
      lastAt: toTimestamp(one.lastAt),
    })),
    times,
    firstAt: toTimestamp(firstAt),
    lastAt: toTimestamp(lastAt),
    policyVersions: [...policyVersions],
  }
}
