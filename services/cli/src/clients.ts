import { loadService } from '@heed/contracts'
import type { DisclosureReportRequest } from '@heed/contracts/gen/heed/audit/v1/DisclosureReportRequest.ts'
import type { DisclosureReportResponse__Output } from '@heed/contracts/gen/heed/audit/v1/DisclosureReportResponse.ts'
import type { ExportEvidenceRequest } from '@heed/contracts/gen/heed/audit/v1/ExportEvidenceRequest.ts'
import type { ExportEvidenceResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ExportEvidenceResponse.ts'
import type { GetChangeStatusResponse__Output } from '@heed/contracts/gen/heed/audit/v1/GetChangeStatusResponse.ts'
import type { ListOpenDeliveriesRequest } from '@heed/contracts/gen/heed/audit/v1/ListOpenDeliveriesRequest.ts'
import type { ListOpenDeliveriesResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ListOpenDeliveriesResponse.ts'
import type { ListRecipientStatusResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ListRecipientStatusResponse.ts'
import type { ListSubjectTimelineRequest } from '@heed/contracts/gen/heed/audit/v1/ListSubjectTimelineRequest.ts'
import type { ListSubjectTimelineResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ListSubjectTimelineResponse.ts'
import type { WatchChangeStatusResponse__Output } from '@heed/contracts/gen/heed/audit/v1/WatchChangeStatusResponse.ts'
import type { HandOverIdentifiersResponse__Output } from '@heed/contracts/gen/heed/identifiers/v1/HandOverIdentifiersResponse.ts'
import type { CheckPermissionRequest } from '@heed/contracts/gen/heed/preferences/v1/CheckPermissionRequest.ts'
import type { CheckPermissionResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/CheckPermissionResponse.ts'
import type { CreateUnsubscribeLinksRequest } from '@heed/contracts/gen/heed/preferences/v1/CreateUnsubscribeLinksRequest.ts'
import type { CreateUnsubscribeLinksResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/CreateUnsubscribeLinksResponse.ts'
import type { EraseSubjectRequest } from '@heed/contracts/gen/heed/preferences/v1/EraseSubjectRequest.ts'
import type { EraseSubjectResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/EraseSubjectResponse.ts'
import type { GetPolicyResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/GetPolicyResponse.ts'
import type { GetPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/GetPreferencesRequest.ts'
import type { GetPreferencesResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/GetPreferencesResponse.ts'
import type { LinkIdentifiersRequest } from '@heed/contracts/gen/heed/preferences/v1/LinkIdentifiersRequest.ts'
import type { LinkIdentifiersResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/LinkIdentifiersResponse.ts'
import type { ListErasuresRequest } from '@heed/contracts/gen/heed/preferences/v1/ListErasuresRequest.ts'
import type { ListErasuresResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/ListErasuresResponse.ts'
import type { MarkKnownChildRequest } from '@heed/contracts/gen/heed/preferences/v1/MarkKnownChildRequest.ts'
import type { MarkKnownChildResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/MarkKnownChildResponse.ts'
import type { PlanChangeRequest } from '@heed/contracts/gen/heed/preferences/v1/PlanChangeRequest.ts'
import type { PlanChangeResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/PlanChangeResponse.ts'
import type { PlanErasureRequest } from '@heed/contracts/gen/heed/preferences/v1/PlanErasureRequest.ts'
import type { PlanErasureResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/PlanErasureResponse.ts'
import type { SetPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesRequest.ts'
import type { SetPreferencesResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesResponse.ts'
import type { StreamPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/StreamPreferencesRequest.ts'
import type { StreamPreferencesResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/StreamPreferencesResponse.ts'
import type { ApplyPolicyResponse__Output } from '@heed/contracts/gen/heed/propagation/v1/ApplyPolicyResponse.ts'
import type { DiffPolicyResponse__Output } from '@heed/contracts/gen/heed/propagation/v1/DiffPolicyResponse.ts'
import type { ListBackfillsResponse__Output } from '@heed/contracts/gen/heed/propagation/v1/ListBackfillsResponse.ts'
import type { RedeliverResponse__Output } from '@heed/contracts/gen/heed/propagation/v1/RedeliverResponse.ts'
import type { StartBackfillResponse__Output } from '@heed/contracts/gen/heed/propagation/v1/StartBackfillResponse.ts'
import type { WatchBackfillResponse__Output } from '@heed/contracts/gen/heed/propagation/v1/WatchBackfillResponse.ts'
import { type BidiCall, closeClient, grpcClient, type ServerStreamCall, type UnaryCall } from '@heed/platform/grpc'
import { InputError } from './failures.ts'
import type { HubAddresses } from './hub-file.ts'

/** PreferenceService, as far as commands use it. */
export interface PreferencesClient {
  setPreferences: UnaryCall<SetPreferencesRequest, SetPreferencesResponse__Output>
  streamPreferences: BidiCall<StreamPreferencesRequest, StreamPreferencesResponse__Output>
  getPreferences: UnaryCall<GetPreferencesRequest, GetPreferencesResponse__Output>
  checkPermission: UnaryCall<CheckPermissionRequest, CheckPermissionResponse__Output>
  planChange: UnaryCall<PlanChangeRequest, PlanChangeResponse__Output>
  linkIdentifiers: UnaryCall<LinkIdentifiersRequest, LinkIdentifiersResponse__Output>
  createUnsubscribeLinks: UnaryCall<CreateUnsubscribeLinksRequest, CreateUnsubscribeLinksResponse__Output>
  eraseSubject: UnaryCall<EraseSubjectRequest, EraseSubjectResponse__Output>
  markKnownChild: UnaryCall<MarkKnownChildRequest, MarkKnownChildResponse__Output>
  planErasure: UnaryCall<PlanErasureRequest, PlanErasureResponse__Output>
  listErasures: UnaryCall<ListErasuresRequest, ListErasuresResponse__Output>
  getPolicy: UnaryCall<Record<string, never>, GetPolicyResponse__Output>
}

/** PropagationService, as far as commands use it. */
export interface PropagationClient {
  startBackfill: UnaryCall<{ recipientId: string; maxPerSecond: number; reason: string }, StartBackfillResponse__Output>
  stopBackfill: UnaryCall<{ backfillId: string }, StartBackfillResponse__Output>
  resumeBackfill: UnaryCall<{ backfillId: string }, StartBackfillResponse__Output>
  listBackfills: UnaryCall<{ recipientId: string }, ListBackfillsResponse__Output>
  watchBackfill: ServerStreamCall<{ backfillId: string }, WatchBackfillResponse__Output>
  redeliver: UnaryCall<{ subjectId: string; recipientIds: string[]; reason: string }, RedeliverResponse__Output>
  pauseRecipient: UnaryCall<{ recipientId: string; reason: string }, Record<string, never>>
  resumeRecipient: UnaryCall<{ recipientId: string; reason: string }, Record<string, never>>
  resolveDelivery: UnaryCall<{ deliveryId: string; resolvedBy: string; why: string; evidence?: string }, Record<string, never>>
  diffPolicy: ServerStreamCall<{ policyText: string }, DiffPolicyResponse__Output>
  applyPolicy: UnaryCall<{ maxPerSecond: number; reason: string }, ApplyPolicyResponse__Output>
}

/** IdentifierService, as far as commands use it. */
export interface IdentifiersClient {
  handOverIdentifiers: UnaryCall<{ deliveryId: string; handedTo: string }, HandOverIdentifiersResponse__Output>
}

/** AuditService, as far as commands use it. */
export interface AuditClient {
  getChangeStatus: UnaryCall<{ changeId: string }, GetChangeStatusResponse__Output>
  watchChangeStatus: ServerStreamCall<{ changeId: string }, WatchChangeStatusResponse__Output>
  exportEvidence: ServerStreamCall<ExportEvidenceRequest, ExportEvidenceResponse__Output>
  listSubjectTimeline: UnaryCall<ListSubjectTimelineRequest, ListSubjectTimelineResponse__Output>
  disclosureReport: UnaryCall<DisclosureReportRequest, DisclosureReportResponse__Output>
  listRecipientStatus: UnaryCall<Record<string, never>, ListRecipientStatusResponse__Output>
  listOpenDeliveries: UnaryCall<ListOpenDeliveriesRequest, ListOpenDeliveriesResponse__Output>
}

/** The services of a hub. */
export interface Clients {
  readonly preferences: PreferencesClient
  readonly identifiers: IdentifiersClient
  readonly propagation: PropagationClient
  readonly audit: AuditClient
  close(): void
}

/** Clients for a hub; nothing is connected before the first call. Throws `InputError` where there is no key. */
export function connectClients(addresses: HubAddresses): Clients {
  const { key } = addresses
  if (key === undefined) throw new InputError('no key: set HEED_CALLER_KEY, or start the hub in this folder (`npm start`)')
  const preferences = grpcClient<PreferencesClient>(loadService('heed.preferences.v1.PreferenceService'), {
    address: addresses.preferences,
    key,
  })
  const identifiers = grpcClient<IdentifiersClient>(loadService('heed.identifiers.v1.IdentifierService'), {
    address: addresses.preferences,
    key,
  })
  const propagation = grpcClient<PropagationClient>(loadService('heed.propagation.v1.PropagationService'), {
    address: addresses.propagation,
    key,
  })
  const audit = grpcClient<AuditClient>(loadService('heed.audit.v1.AuditService'), { address: addresses.audit, key })
  return {
    preferences,
    identifiers,
    propagation,
    audit,
    close: () => {
      for (const client of [preferences, identifiers, propagation, audit]) closeClient(client)
    },
  }
}
