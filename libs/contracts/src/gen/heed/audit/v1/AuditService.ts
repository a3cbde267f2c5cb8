import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { DisclosureReportRequest as _heed_audit_v1_DisclosureReportRequest, DisclosureReportRequest__Output as _heed_audit_v1_DisclosureReportRequest__Output } from '../../../heed/audit/v1/DisclosureReportRequest.ts';
import type { DisclosureReportResponse as _heed_audit_v1_DisclosureReportResponse, DisclosureReportResponse__Output as _heed_audit_v1_DisclosureReportResponse__Output } from '../../../heed/audit/v1/DisclosureReportResponse.ts';
import type { ExportEvidenceRequest as _heed_audit_v1_ExportEvidenceRequest, ExportEvidenceRequest__Output as _heed_audit_v1_ExportEvidenceRequest__Output } from '../../../heed/audit/v1/ExportEvidenceRequest.ts';
import type { ExportEvidenceResponse as _heed_audit_v1_ExportEvidenceResponse, ExportEvidenceResponse__Output as _heed_audit_v1_ExportEvidenceResponse__Output } from '../../../heed/audit/v1/ExportEvidenceResponse.ts';
import type { GetChangeStatusRequest as _heed_audit_v1_GetChangeStatusRequest, GetChangeStatusRequest__Output as _heed_audit_v1_GetChangeStatusRequest__Output } from '../../../heed/audit/v1/GetChangeStatusRequest.ts';
import type { GetChangeStatusResponse as _heed_audit_v1_GetChangeStatusResponse, GetChangeStatusResponse__Output as _heed_audit_v1_GetChangeStatusResponse__Output } from '../../../heed/audit/v1/GetChangeStatusResponse.ts';
import type { GetCheckpointRequest as _heed_audit_v1_GetCheckpointRequest, GetCheckpointRequest__Output as _heed_audit_v1_GetCheckpointRequest__Output } from '../../../heed/audit/v1/GetCheckpointRequest.ts';
import type { GetCheckpointResponse as _heed_audit_v1_GetCheckpointResponse, GetCheckpointResponse__Output as _heed_audit_v1_GetCheckpointResponse__Output } from '../../../heed/audit/v1/GetCheckpointResponse.ts';
import type { ListEntriesRequest as _heed_audit_v1_ListEntriesRequest, ListEntriesRequest__Output as _heed_audit_v1_ListEntriesRequest__Output } from '../../../heed/audit/v1/ListEntriesRequest.ts';
import type { ListEntriesResponse as _heed_audit_v1_ListEntriesResponse, ListEntriesResponse__Output as _heed_audit_v1_ListEntriesResponse__Output } from '../../../heed/audit/v1/ListEntriesResponse.ts';
import type { ListOpenDeliveriesRequest as _heed_audit_v1_ListOpenDeliveriesRequest, ListOpenDeliveriesRequest__Output as _heed_audit_v1_ListOpenDeliveriesRequest__Output } from '../../../heed/audit/v1/ListOpenDeliveriesRequest.ts';
import type { ListOpenDeliveriesResponse as _heed_audit_v1_ListOpenDeliveriesResponse, ListOpenDeliveriesResponse__Output as _heed_audit_v1_ListOpenDeliveriesResponse__Output } from '../../../heed/audit/v1/ListOpenDeliveriesResponse.ts';
import type { ListRecipientStatusRequest as _heed_audit_v1_ListRecipientStatusRequest, ListRecipientStatusRequest__Output as _heed_audit_v1_ListRecipientStatusRequest__Output } from '../../../heed/audit/v1/ListRecipientStatusRequest.ts';
import type { ListRecipientStatusResponse as _heed_audit_v1_ListRecipientStatusResponse, ListRecipientStatusResponse__Output as _heed_audit_v1_ListRecipientStatusResponse__Output } from '../../../heed/audit/v1/ListRecipientStatusResponse.ts';
import type { ListSubjectTimelineRequest as _heed_audit_v1_ListSubjectTimelineRequest, ListSubjectTimelineRequest__Output as _heed_audit_v1_ListSubjectTimelineRequest__Output } from '../../../heed/audit/v1/ListSubjectTimelineRequest.ts';
import type { ListSubjectTimelineResponse as _heed_audit_v1_ListSubjectTimelineResponse, ListSubjectTimelineResponse__Output as _heed_audit_v1_ListSubjectTimelineResponse__Output } from '../../../heed/audit/v1/ListSubjectTimelineResponse.ts';
import type { ProveConsistencyRequest as _heed_audit_v1_ProveConsistencyRequest, ProveConsistencyRequest__Output as _heed_audit_v1_ProveConsistencyRequest__Output } from '../../../heed/audit/v1/ProveConsistencyRequest.ts';
import type { ProveConsistencyResponse as _heed_audit_v1_ProveConsistencyResponse, ProveConsistencyResponse__Output as _heed_audit_v1_ProveConsistencyResponse__Output } from '../../../heed/audit/v1/ProveConsistencyResponse.ts';
import type { ProveInclusionRequest as _heed_audit_v1_ProveInclusionRequest, ProveInclusionRequest__Output as _heed_audit_v1_ProveInclusionRequest__Output } from '../../../heed/audit/v1/ProveInclusionRequest.ts';
import type { ProveInclusionResponse as _heed_audit_v1_ProveInclusionResponse, ProveInclusionResponse__Output as _heed_audit_v1_ProveInclusionResponse__Output } from '../../../heed/audit/v1/ProveInclusionResponse.ts';
import type { WatchChangeStatusRequest as _heed_audit_v1_WatchChangeStatusRequest, WatchChangeStatusRequest__Output as _heed_audit_v1_WatchChangeStatusRequest__Output } from '../../../heed/audit/v1/WatchChangeStatusRequest.ts';
import type { WatchChangeStatusResponse as _heed_audit_v1_WatchChangeStatusResponse, WatchChangeStatusResponse__Output as _heed_audit_v1_WatchChangeStatusResponse__Output } from '../../../heed/audit/v1/WatchChangeStatusResponse.ts';

export interface AuditServiceClient extends grpc.Client {
  DisclosureReport(argument: _heed_audit_v1_DisclosureReportRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_DisclosureReportResponse__Output>): grpc.ClientUnaryCall;
  DisclosureReport(argument: _heed_audit_v1_DisclosureReportRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_DisclosureReportResponse__Output>): grpc.ClientUnaryCall;
  DisclosureReport(argument: _heed_audit_v1_DisclosureReportRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_DisclosureReportResponse__Output>): grpc.ClientUnaryCall;
  DisclosureReport(argument: _heed_audit_v1_DisclosureReportRequest, callback: grpc.requestCallback<_heed_audit_v1_DisclosureReportResponse__Output>): grpc.ClientUnaryCall;
  disclosureReport(argument: _heed_audit_v1_DisclosureReportRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_DisclosureReportResponse__Output>): grpc.ClientUnaryCall;
  disclosureReport(argument: _heed_audit_v1_DisclosureReportRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_DisclosureReportResponse__Output>): grpc.ClientUnaryCall;
  disclosureReport(argument: _heed_audit_v1_DisclosureReportRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_DisclosureReportResponse__Output>): grpc.ClientUnaryCall;
  disclosureReport(argument: _heed_audit_v1_DisclosureReportRequest, callback: grpc.requestCallback<_heed_audit_v1_DisclosureReportResponse__Output>): grpc.ClientUnaryCall;
  
  ExportEvidence(argument: _heed_audit_v1_ExportEvidenceRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_ExportEvidenceResponse__Output>;
  ExportEvidence(argument: _heed_audit_v1_ExportEvidenceRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_ExportEvidenceResponse__Output>;
  exportEvidence(argument: _heed_audit_v1_ExportEvidenceRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_ExportEvidenceResponse__Output>;
  exportEvidence(argument: _heed_audit_v1_ExportEvidenceRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_ExportEvidenceResponse__Output>;
  
  GetChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  GetChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  GetChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  GetChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  getChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  getChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  getChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  getChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  
  GetCheckpoint(argument: _heed_audit_v1_GetCheckpointRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_GetCheckpointResponse__Output>): grpc.ClientUnaryCall;
  GetCheckpoint(argument: _heed_audit_v1_GetCheckpointRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_GetCheckpointResponse__Output>): grpc.ClientUnaryCall;
  GetCheckpoint(argument: _heed_audit_v1_GetCheckpointRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_GetCheckpointResponse__Output>): grpc.ClientUnaryCall;
  GetCheckpoint(argument: _heed_audit_v1_GetCheckpointRequest, callback: grpc.requestCallback<_heed_audit_v1_GetCheckpointResponse__Output>): grpc.ClientUnaryCall;
  getCheckpoint(argument: _heed_audit_v1_GetCheckpointRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_GetCheckpointResponse__Output>): grpc.ClientUnaryCall;
  getCheckpoint(argument: _heed_audit_v1_GetCheckpointRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_GetCheckpointResponse__Output>): grpc.ClientUnaryCall;
  getCheckpoint(argument: _heed_audit_v1_GetCheckpointRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_GetCheckpointResponse__Output>): grpc.ClientUnaryCall;
  getCheckpoint(argument: _heed_audit_v1_GetCheckpointRequest, callback: grpc.requestCallback<_heed_audit_v1_GetCheckpointResponse__Output>): grpc.ClientUnaryCall;
  
  ListEntries(argument: _heed_audit_v1_ListEntriesRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_ListEntriesResponse__Output>;
  ListEntries(argument: _heed_audit_v1_ListEntriesRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_ListEntriesResponse__Output>;
  listEntries(argument: _heed_audit_v1_ListEntriesRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_ListEntriesResponse__Output>;
  listEntries(argument: _heed_audit_v1_ListEntriesRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_ListEntriesResponse__Output>;
  
  ListOpenDeliveries(argument: _heed_audit_v1_ListOpenDeliveriesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ListOpenDeliveriesResponse__Output>): grpc.ClientUnaryCall;
  ListOpenDeliveries(argument: _heed_audit_v1_ListOpenDeliveriesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_ListOpenDeliveriesResponse__Output>): grpc.ClientUnaryCall;
  ListOpenDeliveries(argument: _heed_audit_v1_ListOpenDeliveriesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ListOpenDeliveriesResponse__Output>): grpc.ClientUnaryCall;
  ListOpenDeliveries(argument: _heed_audit_v1_ListOpenDeliveriesRequest, callback: grpc.requestCallback<_heed_audit_v1_ListOpenDeliveriesResponse__Output>): grpc.ClientUnaryCall;
  listOpenDeliveries(argument: _heed_audit_v1_ListOpenDeliveriesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ListOpenDeliveriesResponse__Output>): grpc.ClientUnaryCall;
  listOpenDeliveries(argument: _heed_audit_v1_ListOpenDeliveriesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_ListOpenDeliveriesResponse__Output>): grpc.ClientUnaryCall;
  listOpenDeliveries(argument: _heed_audit_v1_ListOpenDeliveriesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ListOpenDeliveriesResponse__Output>): grpc.ClientUnaryCall;
  listOpenDeliveries(argument: _heed_audit_v1_ListOpenDeliveriesRequest, callback: grpc.requestCallback<_heed_audit_v1_ListOpenDeliveriesResponse__Output>): grpc.ClientUnaryCall;
  
  ListRecipientStatus(argument: _heed_audit_v1_ListRecipientStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ListRecipientStatusResponse__Output>): grpc.ClientUnaryCall;
  ListRecipientStatus(argument: _heed_audit_v1_ListRecipientStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_ListRecipientStatusResponse__Output>): grpc.ClientUnaryCall;
  ListRecipientStatus(argument: _heed_audit_v1_ListRecipientStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ListRecipientStatusResponse__Output>): grpc.ClientUnaryCall;
  ListRecipientStatus(argument: _heed_audit_v1_ListRecipientStatusRequest, callback: grpc.requestCallback<_heed_audit_v1_ListRecipientStatusResponse__Output>): grpc.ClientUnaryCall;
  listRecipientStatus(argument: _heed_audit_v1_ListRecipientStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ListRecipientStatusResponse__Output>): grpc.ClientUnaryCall;
  listRecipientStatus(argument: _heed_audit_v1_ListRecipientStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_ListRecipientStatusResponse__Output>): grpc.ClientUnaryCall;
  listRecipientStatus(argument: _heed_audit_v1_ListRecipientStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ListRecipientStatusResponse__Output>): grpc.ClientUnaryCall;
  listRecipientStatus(argument: _heed_audit_v1_ListRecipientStatusRequest, callback: grpc.requestCallback<_heed_audit_v1_ListRecipientStatusResponse__Output>): grpc.ClientUnaryCall;
  
  ListSubjectTimeline(argument: _heed_audit_v1_ListSubjectTimelineRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ListSubjectTimelineResponse__Output>): grpc.ClientUnaryCall;
  ListSubjectTimeline(argument: _heed_audit_v1_ListSubjectTimelineRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_ListSubjectTimelineResponse__Output>): grpc.ClientUnaryCall;
  ListSubjectTimeline(argument: _heed_audit_v1_ListSubjectTimelineRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ListSubjectTimelineResponse__Output>): grpc.ClientUnaryCall;
  ListSubjectTimeline(argument: _heed_audit_v1_ListSubjectTimelineRequest, callback: grpc.requestCallback<_heed_audit_v1_ListSubjectTimelineResponse__Output>): grpc.ClientUnaryCall;
  listSubjectTimeline(argument: _heed_audit_v1_ListSubjectTimelineRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ListSubjectTimelineResponse__Output>): grpc.ClientUnaryCall;
  listSubjectTimeline(argument: _heed_audit_v1_ListSubjectTimelineRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_ListSubjectTimelineResponse__Output>): grpc.ClientUnaryCall;
  listSubjectTimeline(argument: _heed_audit_v1_ListSubjectTimelineRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ListSubjectTimelineResponse__Output>): grpc.ClientUnaryCall;
  listSubjectTimeline(argument: _heed_audit_v1_ListSubjectTimelineRequest, callback: grpc.requestCallback<_heed_audit_v1_ListSubjectTimelineResponse__Output>): grpc.ClientUnaryCall;
  
  ProveConsistency(argument: _heed_audit_v1_ProveConsistencyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ProveConsistencyResponse__Output>): grpc.ClientUnaryCall;
  ProveConsistency(argument: _heed_audit_v1_ProveConsistencyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_ProveConsistencyResponse__Output>): grpc.ClientUnaryCall;
  ProveConsistency(argument: _heed_audit_v1_ProveConsistencyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ProveConsistencyResponse__Output>): grpc.ClientUnaryCall;
  ProveConsistency(argument: _heed_audit_v1_ProveConsistencyRequest, callback: grpc.requestCallback<_heed_audit_v1_ProveConsistencyResponse__Output>): grpc.ClientUnaryCall;
  proveConsistency(argument: _heed_audit_v1_ProveConsistencyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ProveConsistencyResponse__Output>): grpc.ClientUnaryCall;
  proveConsistency(argument: _heed_audit_v1_ProveConsistencyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_ProveConsistencyResponse__Output>): grpc.ClientUnaryCall;
  proveConsistency(argument: _heed_audit_v1_ProveConsistencyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ProveConsistencyResponse__Output>): grpc.ClientUnaryCall;
  proveConsistency(argument: _heed_audit_v1_ProveConsistencyRequest, callback: grpc.requestCallback<_heed_audit_v1_ProveConsistencyResponse__Output>): grpc.ClientUnaryCall;
  
  ProveInclusion(argument: _heed_audit_v1_ProveInclusionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ProveInclusionResponse__Output>): grpc.ClientUnaryCall;
  ProveInclusion(argument: _heed_audit_v1_ProveInclusionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_ProveInclusionResponse__Output>): grpc.ClientUnaryCall;
  ProveInclusion(argument: _heed_audit_v1_ProveInclusionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ProveInclusionResponse__Output>): grpc.ClientUnaryCall;
  ProveInclusion(argument: _heed_audit_v1_ProveInclusionRequest, callback: grpc.requestCallback<_heed_audit_v1_ProveInclusionResponse__Output>): grpc.ClientUnaryCall;
  proveInclusion(argument: _heed_audit_v1_ProveInclusionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ProveInclusionResponse__Output>): grpc.ClientUnaryCall;
  proveInclusion(argument: _heed_audit_v1_ProveInclusionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_ProveInclusionResponse__Output>): grpc.ClientUnaryCall;
  proveInclusion(argument: _heed_audit_v1_ProveInclusionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_ProveInclusionResponse__Output>): grpc.ClientUnaryCall;
  proveInclusion(argument: _heed_audit_v1_ProveInclusionRequest, callback: grpc.requestCallback<_heed_audit_v1_ProveInclusionResponse__Output>): grpc.ClientUnaryCall;
  
  WatchChangeStatus(argument: _heed_audit_v1_WatchChangeStatusRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_WatchChangeStatusResponse__Output>;
  WatchChangeStatus(argument: _heed_audit_v1_WatchChangeStatusRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_WatchChangeStatusResponse__Output>;
  watchChangeStatus(argument: _heed_audit_v1_WatchChangeStatusRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_WatchChangeStatusResponse__Output>;
  watchChangeStatus(argument: _heed_audit_v1_WatchChangeStatusRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_WatchChangeStatusResponse__Output>;
  
}

export interface AuditServiceHandlers extends grpc.UntypedServiceImplementation {
  DisclosureReport: grpc.handleUnaryCall<_heed_audit_v1_DisclosureReportRequest__Output, _heed_audit_v1_DisclosureReportResponse>;
  
  ExportEvidence: grpc.handleServerStreamingCall<_heed_audit_v1_ExportEvidenceRequest__Output, _heed_audit_v1_ExportEvidenceResponse>;
  
  GetChangeStatus: grpc.handleUnaryCall<_heed_audit_v1_GetChangeStatusRequest__Output, _heed_audit_v1_GetChangeStatusResponse>;
  
  GetCheckpoint: grpc.handleUnaryCall<_heed_audit_v1_GetCheckpointRequest__Output, _heed_audit_v1_GetCheckpointResponse>;
  
  ListEntries: grpc.handleServerStreamingCall<_heed_audit_v1_ListEntriesRequest__Output, _heed_audit_v1_ListEntriesResponse>;
  
  ListOpenDeliveries: grpc.handleUnaryCall<_heed_audit_v1_ListOpenDeliveriesRequest__Output, _heed_audit_v1_ListOpenDeliveriesResponse>;
  
  ListRecipientStatus: grpc.handleUnaryCall<_heed_audit_v1_ListRecipientStatusRequest__Output, _heed_audit_v1_ListRecipientStatusResponse>;
  
  ListSubjectTimeline: grpc.handleUnaryCall<_heed_audit_v1_ListSubjectTimelineRequest__Output, _heed_audit_v1_ListSubjectTimelineResponse>;
  
  ProveConsistency: grpc.handleUnaryCall<_heed_audit_v1_ProveConsistencyRequest__Output, _heed_audit_v1_ProveConsistencyResponse>;
  
  ProveInclusion: grpc.handleUnaryCall<_heed_audit_v1_ProveInclusionRequest__Output, _heed_audit_v1_ProveInclusionResponse>;
  
  WatchChangeStatus: grpc.handleServerStreamingCall<_heed_audit_v1_WatchChangeStatusRequest__Output, _heed_audit_v1_WatchChangeStatusResponse>;
  
}

export interface AuditServiceDefinition extends grpc.ServiceDefinition {
  DisclosureReport: MethodDefinition<_heed_audit_v1_DisclosureReportRequest, _heed_audit_v1_DisclosureReportResponse, _heed_audit_v1_DisclosureReportRequest__Output, _heed_audit_v1_DisclosureReportResponse__Output>
  ExportEvidence: MethodDefinition<_heed_audit_v1_ExportEvidenceRequest, _heed_audit_v1_ExportEvidenceResponse, _heed_audit_v1_ExportEvidenceRequest__Output, _heed_audit_v1_ExportEvidenceResponse__Output>
  GetChangeStatus: MethodDefinition<_heed_audit_v1_GetChangeStatusRequest, _heed_audit_v1_GetChangeStatusResponse, _heed_audit_v1_GetChangeStatusRequest__Output, _heed_audit_v1_GetChangeStatusResponse__Output>
  GetCheckpoint: MethodDefinition<_heed_audit_v1_GetCheckpointRequest, _heed_audit_v1_GetCheckpointResponse, _heed_audit_v1_GetCheckpointRequest__Output, _heed_audit_v1_GetCheckpointResponse__Output>
  ListEntries: MethodDefinition<_heed_audit_v1_ListEntriesRequest, _heed_audit_v1_ListEntriesResponse, _heed_audit_v1_ListEntriesRequest__Output, _heed_audit_v1_ListEntriesResponse__Output>
  ListOpenDeliveries: MethodDefinition<_heed_audit_v1_ListOpenDeliveriesRequest, _heed_audit_v1_ListOpenDeliveriesResponse, _heed_audit_v1_ListOpenDeliveriesRequest__Output, _heed_audit_v1_ListOpenDeliveriesResponse__Output>
  ListRecipientStatus: MethodDefinition<_heed_audit_v1_ListRecipientStatusRequest, _heed_audit_v1_ListRecipientStatusResponse, _heed_audit_v1_ListRecipientStatusRequest__Output, _heed_audit_v1_ListRecipientStatusResponse__Output>
  ListSubjectTimeline: MethodDefinition<_heed_audit_v1_ListSubjectTimelineRequest, _heed_audit_v1_ListSubjectTimelineResponse, _heed_audit_v1_ListSubjectTimelineRequest__Output, _heed_audit_v1_ListSubjectTimelineResponse__Output>
  ProveConsistency: MethodDefinition<_heed_audit_v1_ProveConsistencyRequest, _heed_audit_v1_ProveConsistencyResponse, _heed_audit_v1_ProveConsistencyRequest__Output, _heed_audit_v1_ProveConsistencyResponse__Output>
  ProveInclusion: MethodDefinition<_heed_audit_v1_ProveInclusionRequest, _heed_audit_v1_ProveInclusionResponse, _heed_audit_v1_ProveInclusionRequest__Output, _heed_audit_v1_ProveInclusionResponse__Output>
  WatchChangeStatus: MethodDefinition<_heed_audit_v1_WatchChangeStatusRequest, _heed_audit_v1_WatchChangeStatusResponse, _heed_audit_v1_WatchChangeStatusRequest__Output, _heed_audit_v1_WatchChangeStatusResponse__Output>
}
