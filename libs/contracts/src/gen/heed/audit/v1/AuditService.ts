import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { DisclosureReportRequest as _heed_audit_v1_DisclosureReportRequest, DisclosureReportRequest__Output as _heed_audit_v1_DisclosureReportRequest__Output } from '../../../heed/audit/v1/DisclosureReportRequest.ts';
import type { DisclosureReportResponse as _heed_audit_v1_DisclosureReportResponse, DisclosureReportResponse__Output as _heed_audit_v1_DisclosureReportResponse__Output } from '../../../heed/audit/v1/DisclosureReportResponse.ts';
import type { GetChangeStatusRequest as _heed_audit_v1_GetChangeStatusRequest, GetChangeStatusRequest__Output as _heed_audit_v1_GetChangeStatusRequest__Output } from '../../../heed/audit/v1/GetChangeStatusRequest.ts';
import type { GetChangeStatusResponse as _heed_audit_v1_GetChangeStatusResponse, GetChangeStatusResponse__Output as _heed_audit_v1_GetChangeStatusResponse__Output } from '../../../heed/audit/v1/GetChangeStatusResponse.ts';
import type { ListOpenDeliveriesRequest as _heed_audit_v1_ListOpenDeliveriesRequest, ListOpenDeliveriesRequest__Output as _heed_audit_v1_ListOpenDeliveriesRequest__Output } from '../../../heed/audit/v1/ListOpenDeliveriesRequest.ts';
import type { ListOpenDeliveriesResponse as _heed_audit_v1_ListOpenDeliveriesResponse, ListOpenDeliveriesResponse__Output as _heed_audit_v1_ListOpenDeliveriesResponse__Output } from '../../../heed/audit/v1/ListOpenDeliveriesResponse.ts';
import type { ListRecipientStatusRequest as _heed_audit_v1_ListRecipientStatusRequest, ListRecipientStatusRequest__Output as _heed_audit_v1_ListRecipientStatusRequest__Output } from '../../../heed/audit/v1/ListRecipientStatusRequest.ts';
import type { ListRecipientStatusResponse as _heed_audit_v1_ListRecipientStatusResponse, ListRecipientStatusResponse__Output as _heed_audit_v1_ListRecipientStatusResponse__Output } from '../../../heed/audit/v1/ListRecipientStatusResponse.ts';
import type { ListSubjectTimelineRequest as _heed_audit_v1_ListSubjectTimelineRequest, ListSubjectTimelineRequest__Output as _heed_audit_v1_ListSubjectTimelineRequest__Output } from '../../../heed/audit/v1/ListSubjectTimelineRequest.ts';
import type { ListSubjectTimelineResponse as _heed_audit_v1_ListSubjectTimelineResponse, ListSubjectTimelineResponse__Output as _heed_audit_v1_ListSubjectTimelineResponse__Output } from '../../../heed/audit/v1/ListSubjectTimelineResponse.ts';
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
  
  GetChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  GetChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  GetChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  GetChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  getChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  getChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  getChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  getChangeStatus(argument: _heed_audit_v1_GetChangeStatusRequest, callback: grpc.requestCallback<_heed_audit_v1_GetChangeStatusResponse__Output>): grpc.ClientUnaryCall;
  
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
  
  WatchChangeStatus(argument: _heed_audit_v1_WatchChangeStatusRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_WatchChangeStatusResponse__Output>;
  WatchChangeStatus(argument: _heed_audit_v1_WatchChangeStatusRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_WatchChangeStatusResponse__Output>;
  watchChangeStatus(argument: _heed_audit_v1_WatchChangeStatusRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_WatchChangeStatusResponse__Output>;
  watchChangeStatus(argument: _heed_audit_v1_WatchChangeStatusRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_audit_v1_WatchChangeStatusResponse__Output>;
  
}

export interface AuditServiceHandlers extends grpc.UntypedServiceImplementation {
  DisclosureReport: grpc.handleUnaryCall<_heed_audit_v1_DisclosureReportRequest__Output, _heed_audit_v1_DisclosureReportResponse>;
  
  GetChangeStatus: grpc.handleUnaryCall<_heed_audit_v1_GetChangeStatusRequest__Output, _heed_audit_v1_GetChangeStatusResponse>;
  
  ListOpenDeliveries: grpc.handleUnaryCall<_heed_audit_v1_ListOpenDeliveriesRequest__Output, _heed_audit_v1_ListOpenDeliveriesResponse>;
  
  ListRecipientStatus: grpc.handleUnaryCall<_heed_audit_v1_ListRecipientStatusRequest__Output, _heed_audit_v1_ListRecipientStatusResponse>;
  
  ListSubjectTimeline: grpc.handleUnaryCall<_heed_audit_v1_ListSubjectTimelineRequest__Output, _heed_audit_v1_ListSubjectTimelineResponse>;
  
  WatchChangeStatus: grpc.handleServerStreamingCall<_heed_audit_v1_WatchChangeStatusRequest__Output, _heed_audit_v1_WatchChangeStatusResponse>;
  
}

export interface AuditServiceDefinition extends grpc.ServiceDefinition {
  DisclosureReport: MethodDefinition<_heed_audit_v1_DisclosureReportRequest, _heed_audit_v1_DisclosureReportResponse, _heed_audit_v1_DisclosureReportRequest__Output, _heed_audit_v1_DisclosureReportResponse__Output>
  GetChangeStatus: MethodDefinition<_heed_audit_v1_GetChangeStatusRequest, _heed_audit_v1_GetChangeStatusResponse, _heed_audit_v1_GetChangeStatusRequest__Output, _heed_audit_v1_GetChangeStatusResponse__Output>
  ListOpenDeliveries: MethodDefinition<_heed_audit_v1_ListOpenDeliveriesRequest, _heed_audit_v1_ListOpenDeliveriesResponse, _heed_audit_v1_ListOpenDeliveriesRequest__Output, _heed_audit_v1_ListOpenDeliveriesResponse__Output>
  ListRecipientStatus: MethodDefinition<_heed_audit_v1_ListRecipientStatusRequest, _heed_audit_v1_ListRecipientStatusResponse, _heed_audit_v1_ListRecipientStatusRequest__Output, _heed_audit_v1_ListRecipientStatusResponse__Output>
  ListSubjectTimeline: MethodDefinition<_heed_audit_v1_ListSubjectTimelineRequest, _heed_audit_v1_ListSubjectTimelineResponse, _heed_audit_v1_ListSubjectTimelineRequest__Output, _heed_audit_v1_ListSubjectTimelineResponse__Output>
  WatchChangeStatus: MethodDefinition<_heed_audit_v1_WatchChangeStatusRequest, _heed_audit_v1_WatchChangeStatusResponse, _heed_audit_v1_WatchChangeStatusRequest__Output, _heed_audit_v1_WatchChangeStatusResponse__Output>
}
