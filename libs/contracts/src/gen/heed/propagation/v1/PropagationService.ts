import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ApplyPolicyRequest as _heed_propagation_v1_ApplyPolicyRequest, ApplyPolicyRequest__Output as _heed_propagation_v1_ApplyPolicyRequest__Output } from '../../../heed/propagation/v1/ApplyPolicyRequest.ts';
import type { ApplyPolicyResponse as _heed_propagation_v1_ApplyPolicyResponse, ApplyPolicyResponse__Output as _heed_propagation_v1_ApplyPolicyResponse__Output } from '../../../heed/propagation/v1/ApplyPolicyResponse.ts';
import type { DiffPolicyRequest as _heed_propagation_v1_DiffPolicyRequest, DiffPolicyRequest__Output as _heed_propagation_v1_DiffPolicyRequest__Output } from '../../../heed/propagation/v1/DiffPolicyRequest.ts';
import type { DiffPolicyResponse as _heed_propagation_v1_DiffPolicyResponse, DiffPolicyResponse__Output as _heed_propagation_v1_DiffPolicyResponse__Output } from '../../../heed/propagation/v1/DiffPolicyResponse.ts';
import type { ListBackfillsRequest as _heed_propagation_v1_ListBackfillsRequest, ListBackfillsRequest__Output as _heed_propagation_v1_ListBackfillsRequest__Output } from '../../../heed/propagation/v1/ListBackfillsRequest.ts';
import type { ListBackfillsResponse as _heed_propagation_v1_ListBackfillsResponse, ListBackfillsResponse__Output as _heed_propagation_v1_ListBackfillsResponse__Output } from '../../../heed/propagation/v1/ListBackfillsResponse.ts';
import type { PauseRecipientRequest as _heed_propagation_v1_PauseRecipientRequest, PauseRecipientRequest__Output as _heed_propagation_v1_PauseRecipientRequest__Output } from '../../../heed/propagation/v1/PauseRecipientRequest.ts';
import type { PauseRecipientResponse as _heed_propagation_v1_PauseRecipientResponse, PauseRecipientResponse__Output as _heed_propagation_v1_PauseRecipientResponse__Output } from '../../../heed/propagation/v1/PauseRecipientResponse.ts';
import type { RedeliverRequest as _heed_propagation_v1_RedeliverRequest, RedeliverRequest__Output as _heed_propagation_v1_RedeliverRequest__Output } from '../../../heed/propagation/v1/RedeliverRequest.ts';
import type { RedeliverResponse as _heed_propagation_v1_RedeliverResponse, RedeliverResponse__Output as _heed_propagation_v1_RedeliverResponse__Output } from '../../../heed/propagation/v1/RedeliverResponse.ts';
import type { ResolveDeliveryRequest as _heed_propagation_v1_ResolveDeliveryRequest, ResolveDeliveryRequest__Output as _heed_propagation_v1_ResolveDeliveryRequest__Output } from '../../../heed/propagation/v1/ResolveDeliveryRequest.ts';
import type { ResolveDeliveryResponse as _heed_propagation_v1_ResolveDeliveryResponse, ResolveDeliveryResponse__Output as _heed_propagation_v1_ResolveDeliveryResponse__Output } from '../../../heed/propagation/v1/ResolveDeliveryResponse.ts';
import type { ResumeBackfillRequest as _heed_propagation_v1_ResumeBackfillRequest, ResumeBackfillRequest__Output as _heed_propagation_v1_ResumeBackfillRequest__Output } from '../../../heed/propagation/v1/ResumeBackfillRequest.ts';
import type { ResumeBackfillResponse as _heed_propagation_v1_ResumeBackfillResponse, ResumeBackfillResponse__Output as _heed_propagation_v1_ResumeBackfillResponse__Output } from '../../../heed/propagation/v1/ResumeBackfillResponse.ts';
import type { ResumeRecipientRequest as _heed_propagation_v1_ResumeRecipientRequest, ResumeRecipientRequest__Output as _heed_propagation_v1_ResumeRecipientRequest__Output } from '../../../heed/propagation/v1/ResumeRecipientRequest.ts';
import type { ResumeRecipientResponse as _heed_propagation_v1_ResumeRecipientResponse, ResumeRecipientResponse__Output as _heed_propagation_v1_ResumeRecipientResponse__Output } from '../../../heed/propagation/v1/ResumeRecipientResponse.ts';
import type { StartBackfillRequest as _heed_propagation_v1_StartBackfillRequest, StartBackfillRequest__Output as _heed_propagation_v1_StartBackfillRequest__Output } from '../../../heed/propagation/v1/StartBackfillRequest.ts';
import type { StartBackfillResponse as _heed_propagation_v1_StartBackfillResponse, StartBackfillResponse__Output as _heed_propagation_v1_StartBackfillResponse__Output } from '../../../heed/propagation/v1/StartBackfillResponse.ts';
import type { StopBackfillRequest as _heed_propagation_v1_StopBackfillRequest, StopBackfillRequest__Output as _heed_propagation_v1_StopBackfillRequest__Output } from '../../../heed/propagation/v1/StopBackfillRequest.ts';
import type { StopBackfillResponse as _heed_propagation_v1_StopBackfillResponse, StopBackfillResponse__Output as _heed_propagation_v1_StopBackfillResponse__Output } from '../../../heed/propagation/v1/StopBackfillResponse.ts';
import type { WatchBackfillRequest as _heed_propagation_v1_WatchBackfillRequest, WatchBackfillRequest__Output as _heed_propagation_v1_WatchBackfillRequest__Output } from '../../../heed/propagation/v1/WatchBackfillRequest.ts';
import type { WatchBackfillResponse as _heed_propagation_v1_WatchBackfillResponse, WatchBackfillResponse__Output as _heed_propagation_v1_WatchBackfillResponse__Output } from '../../../heed/propagation/v1/WatchBackfillResponse.ts';

export interface PropagationServiceClient extends grpc.Client {
  ApplyPolicy(argument: _heed_propagation_v1_ApplyPolicyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ApplyPolicyResponse__Output>): grpc.ClientUnaryCall;
  ApplyPolicy(argument: _heed_propagation_v1_ApplyPolicyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_ApplyPolicyResponse__Output>): grpc.ClientUnaryCall;
  ApplyPolicy(argument: _heed_propagation_v1_ApplyPolicyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ApplyPolicyResponse__Output>): grpc.ClientUnaryCall;
  ApplyPolicy(argument: _heed_propagation_v1_ApplyPolicyRequest, callback: grpc.requestCallback<_heed_propagation_v1_ApplyPolicyResponse__Output>): grpc.ClientUnaryCall;
  applyPolicy(argument: _heed_propagation_v1_ApplyPolicyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ApplyPolicyResponse__Output>): grpc.ClientUnaryCall;
  applyPolicy(argument: _heed_propagation_v1_ApplyPolicyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_ApplyPolicyResponse__Output>): grpc.ClientUnaryCall;
  applyPolicy(argument: _heed_propagation_v1_ApplyPolicyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ApplyPolicyResponse__Output>): grpc.ClientUnaryCall;
  applyPolicy(argument: _heed_propagation_v1_ApplyPolicyRequest, callback: grpc.requestCallback<_heed_propagation_v1_ApplyPolicyResponse__Output>): grpc.ClientUnaryCall;
  
  DiffPolicy(argument: _heed_propagation_v1_DiffPolicyRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_propagation_v1_DiffPolicyResponse__Output>;
  DiffPolicy(argument: _heed_propagation_v1_DiffPolicyRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_propagation_v1_DiffPolicyResponse__Output>;
  diffPolicy(argument: _heed_propagation_v1_DiffPolicyRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_propagation_v1_DiffPolicyResponse__Output>;
  diffPolicy(argument: _heed_propagation_v1_DiffPolicyRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_propagation_v1_DiffPolicyResponse__Output>;
  
  ListBackfills(argument: _heed_propagation_v1_ListBackfillsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ListBackfillsResponse__Output>): grpc.ClientUnaryCall;
  ListBackfills(argument: _heed_propagation_v1_ListBackfillsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_ListBackfillsResponse__Output>): grpc.ClientUnaryCall;
  ListBackfills(argument: _heed_propagation_v1_ListBackfillsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ListBackfillsResponse__Output>): grpc.ClientUnaryCall;
  ListBackfills(argument: _heed_propagation_v1_ListBackfillsRequest, callback: grpc.requestCallback<_heed_propagation_v1_ListBackfillsResponse__Output>): grpc.ClientUnaryCall;
  listBackfills(argument: _heed_propagation_v1_ListBackfillsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ListBackfillsResponse__Output>): grpc.ClientUnaryCall;
  listBackfills(argument: _heed_propagation_v1_ListBackfillsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_ListBackfillsResponse__Output>): grpc.ClientUnaryCall;
  listBackfills(argument: _heed_propagation_v1_ListBackfillsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ListBackfillsResponse__Output>): grpc.ClientUnaryCall;
  listBackfills(argument: _heed_propagation_v1_ListBackfillsRequest, callback: grpc.requestCallback<_heed_propagation_v1_ListBackfillsResponse__Output>): grpc.ClientUnaryCall;
  
  PauseRecipient(argument: _heed_propagation_v1_PauseRecipientRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_PauseRecipientResponse__Output>): grpc.ClientUnaryCall;
  PauseRecipient(argument: _heed_propagation_v1_PauseRecipientRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_PauseRecipientResponse__Output>): grpc.ClientUnaryCall;
  PauseRecipient(argument: _heed_propagation_v1_PauseRecipientRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_PauseRecipientResponse__Output>): grpc.ClientUnaryCall;
  PauseRecipient(argument: _heed_propagation_v1_PauseRecipientRequest, callback: grpc.requestCallback<_heed_propagation_v1_PauseRecipientResponse__Output>): grpc.ClientUnaryCall;
  pauseRecipient(argument: _heed_propagation_v1_PauseRecipientRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_PauseRecipientResponse__Output>): grpc.ClientUnaryCall;
  pauseRecipient(argument: _heed_propagation_v1_PauseRecipientRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_PauseRecipientResponse__Output>): grpc.ClientUnaryCall;
  pauseRecipient(argument: _heed_propagation_v1_PauseRecipientRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_PauseRecipientResponse__Output>): grpc.ClientUnaryCall;
  pauseRecipient(argument: _heed_propagation_v1_PauseRecipientRequest, callback: grpc.requestCallback<_heed_propagation_v1_PauseRecipientResponse__Output>): grpc.ClientUnaryCall;
  
  Redeliver(argument: _heed_propagation_v1_RedeliverRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_RedeliverResponse__Output>): grpc.ClientUnaryCall;
  Redeliver(argument: _heed_propagation_v1_RedeliverRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_RedeliverResponse__Output>): grpc.ClientUnaryCall;
  Redeliver(argument: _heed_propagation_v1_RedeliverRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_RedeliverResponse__Output>): grpc.ClientUnaryCall;
  Redeliver(argument: _heed_propagation_v1_RedeliverRequest, callback: grpc.requestCallback<_heed_propagation_v1_RedeliverResponse__Output>): grpc.ClientUnaryCall;
  redeliver(argument: _heed_propagation_v1_RedeliverRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_RedeliverResponse__Output>): grpc.ClientUnaryCall;
  redeliver(argument: _heed_propagation_v1_RedeliverRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_RedeliverResponse__Output>): grpc.ClientUnaryCall;
  redeliver(argument: _heed_propagation_v1_RedeliverRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_RedeliverResponse__Output>): grpc.ClientUnaryCall;
  redeliver(argument: _heed_propagation_v1_RedeliverRequest, callback: grpc.requestCallback<_heed_propagation_v1_RedeliverResponse__Output>): grpc.ClientUnaryCall;
  
  ResolveDelivery(argument: _heed_propagation_v1_ResolveDeliveryRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ResolveDeliveryResponse__Output>): grpc.ClientUnaryCall;
  ResolveDelivery(argument: _heed_propagation_v1_ResolveDeliveryRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_ResolveDeliveryResponse__Output>): grpc.ClientUnaryCall;
  ResolveDelivery(argument: _heed_propagation_v1_ResolveDeliveryRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ResolveDeliveryResponse__Output>): grpc.ClientUnaryCall;
  ResolveDelivery(argument: _heed_propagation_v1_ResolveDeliveryRequest, callback: grpc.requestCallback<_heed_propagation_v1_ResolveDeliveryResponse__Output>): grpc.ClientUnaryCall;
  resolveDelivery(argument: _heed_propagation_v1_ResolveDeliveryRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ResolveDeliveryResponse__Output>): grpc.ClientUnaryCall;
  resolveDelivery(argument: _heed_propagation_v1_ResolveDeliveryRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_ResolveDeliveryResponse__Output>): grpc.ClientUnaryCall;
  resolveDelivery(argument: _heed_propagation_v1_ResolveDeliveryRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ResolveDeliveryResponse__Output>): grpc.ClientUnaryCall;
  resolveDelivery(argument: _heed_propagation_v1_ResolveDeliveryRequest, callback: grpc.requestCallback<_heed_propagation_v1_ResolveDeliveryResponse__Output>): grpc.ClientUnaryCall;
  
  ResumeBackfill(argument: _heed_propagation_v1_ResumeBackfillRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ResumeBackfillResponse__Output>): grpc.ClientUnaryCall;
  ResumeBackfill(argument: _heed_propagation_v1_ResumeBackfillRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_ResumeBackfillResponse__Output>): grpc.ClientUnaryCall;
  ResumeBackfill(argument: _heed_propagation_v1_ResumeBackfillRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ResumeBackfillResponse__Output>): grpc.ClientUnaryCall;
  ResumeBackfill(argument: _heed_propagation_v1_ResumeBackfillRequest, callback: grpc.requestCallback<_heed_propagation_v1_ResumeBackfillResponse__Output>): grpc.ClientUnaryCall;
  resumeBackfill(argument: _heed_propagation_v1_ResumeBackfillRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ResumeBackfillResponse__Output>): grpc.ClientUnaryCall;
  resumeBackfill(argument: _heed_propagation_v1_ResumeBackfillRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_ResumeBackfillResponse__Output>): grpc.ClientUnaryCall;
  resumeBackfill(argument: _heed_propagation_v1_ResumeBackfillRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ResumeBackfillResponse__Output>): grpc.ClientUnaryCall;
  resumeBackfill(argument: _heed_propagation_v1_ResumeBackfillRequest, callback: grpc.requestCallback<_heed_propagation_v1_ResumeBackfillResponse__Output>): grpc.ClientUnaryCall;
  
  ResumeRecipient(argument: _heed_propagation_v1_ResumeRecipientRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ResumeRecipientResponse__Output>): grpc.ClientUnaryCall;
  ResumeRecipient(argument: _heed_propagation_v1_ResumeRecipientRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_ResumeRecipientResponse__Output>): grpc.ClientUnaryCall;
  ResumeRecipient(argument: _heed_propagation_v1_ResumeRecipientRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ResumeRecipientResponse__Output>): grpc.ClientUnaryCall;
  ResumeRecipient(argument: _heed_propagation_v1_ResumeRecipientRequest, callback: grpc.requestCallback<_heed_propagation_v1_ResumeRecipientResponse__Output>): grpc.ClientUnaryCall;
  resumeRecipient(argument: _heed_propagation_v1_ResumeRecipientRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ResumeRecipientResponse__Output>): grpc.ClientUnaryCall;
  resumeRecipient(argument: _heed_propagation_v1_ResumeRecipientRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_ResumeRecipientResponse__Output>): grpc.ClientUnaryCall;
  resumeRecipient(argument: _heed_propagation_v1_ResumeRecipientRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_ResumeRecipientResponse__Output>): grpc.ClientUnaryCall;
  resumeRecipient(argument: _heed_propagation_v1_ResumeRecipientRequest, callback: grpc.requestCallback<_heed_propagation_v1_ResumeRecipientResponse__Output>): grpc.ClientUnaryCall;
  
  StartBackfill(argument: _heed_propagation_v1_StartBackfillRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_StartBackfillResponse__Output>): grpc.ClientUnaryCall;
  StartBackfill(argument: _heed_propagation_v1_StartBackfillRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_StartBackfillResponse__Output>): grpc.ClientUnaryCall;
  StartBackfill(argument: _heed_propagation_v1_StartBackfillRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_StartBackfillResponse__Output>): grpc.ClientUnaryCall;
  StartBackfill(argument: _heed_propagation_v1_StartBackfillRequest, callback: grpc.requestCallback<_heed_propagation_v1_StartBackfillResponse__Output>): grpc.ClientUnaryCall;
  startBackfill(argument: _heed_propagation_v1_StartBackfillRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_StartBackfillResponse__Output>): grpc.ClientUnaryCall;
  startBackfill(argument: _heed_propagation_v1_StartBackfillRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_StartBackfillResponse__Output>): grpc.ClientUnaryCall;
  startBackfill(argument: _heed_propagation_v1_StartBackfillRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_StartBackfillResponse__Output>): grpc.ClientUnaryCall;
  startBackfill(argument: _heed_propagation_v1_StartBackfillRequest, callback: grpc.requestCallback<_heed_propagation_v1_StartBackfillResponse__Output>): grpc.ClientUnaryCall;
  
  StopBackfill(argument: _heed_propagation_v1_StopBackfillRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_StopBackfillResponse__Output>): grpc.ClientUnaryCall;
  StopBackfill(argument: _heed_propagation_v1_StopBackfillRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_StopBackfillResponse__Output>): grpc.ClientUnaryCall;
  StopBackfill(argument: _heed_propagation_v1_StopBackfillRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_StopBackfillResponse__Output>): grpc.ClientUnaryCall;
  StopBackfill(argument: _heed_propagation_v1_StopBackfillRequest, callback: grpc.requestCallback<_heed_propagation_v1_StopBackfillResponse__Output>): grpc.ClientUnaryCall;
  stopBackfill(argument: _heed_propagation_v1_StopBackfillRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_StopBackfillResponse__Output>): grpc.ClientUnaryCall;
  stopBackfill(argument: _heed_propagation_v1_StopBackfillRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_propagation_v1_StopBackfillResponse__Output>): grpc.ClientUnaryCall;
  stopBackfill(argument: _heed_propagation_v1_StopBackfillRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_propagation_v1_StopBackfillResponse__Output>): grpc.ClientUnaryCall;
  stopBackfill(argument: _heed_propagation_v1_StopBackfillRequest, callback: grpc.requestCallback<_heed_propagation_v1_StopBackfillResponse__Output>): grpc.ClientUnaryCall;
  
  WatchBackfill(argument: _heed_propagation_v1_WatchBackfillRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_propagation_v1_WatchBackfillResponse__Output>;
  WatchBackfill(argument: _heed_propagation_v1_WatchBackfillRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_propagation_v1_WatchBackfillResponse__Output>;
  watchBackfill(argument: _heed_propagation_v1_WatchBackfillRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_propagation_v1_WatchBackfillResponse__Output>;
  watchBackfill(argument: _heed_propagation_v1_WatchBackfillRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_propagation_v1_WatchBackfillResponse__Output>;
  
}

export interface PropagationServiceHandlers extends grpc.UntypedServiceImplementation {
  ApplyPolicy: grpc.handleUnaryCall<_heed_propagation_v1_ApplyPolicyRequest__Output, _heed_propagation_v1_ApplyPolicyResponse>;
  
  DiffPolicy: grpc.handleServerStreamingCall<_heed_propagation_v1_DiffPolicyRequest__Output, _heed_propagation_v1_DiffPolicyResponse>;
  
  ListBackfills: grpc.handleUnaryCall<_heed_propagation_v1_ListBackfillsRequest__Output, _heed_propagation_v1_ListBackfillsResponse>;
  
  PauseRecipient: grpc.handleUnaryCall<_heed_propagation_v1_PauseRecipientRequest__Output, _heed_propagation_v1_PauseRecipientResponse>;
  
  Redeliver: grpc.handleUnaryCall<_heed_propagation_v1_RedeliverRequest__Output, _heed_propagation_v1_RedeliverResponse>;
  
  ResolveDelivery: grpc.handleUnaryCall<_heed_propagation_v1_ResolveDeliveryRequest__Output, _heed_propagation_v1_ResolveDeliveryResponse>;
  
  ResumeBackfill: grpc.handleUnaryCall<_heed_propagation_v1_ResumeBackfillRequest__Output, _heed_propagation_v1_ResumeBackfillResponse>;
  
  ResumeRecipient: grpc.handleUnaryCall<_heed_propagation_v1_ResumeRecipientRequest__Output, _heed_propagation_v1_ResumeRecipientResponse>;
  
  StartBackfill: grpc.handleUnaryCall<_heed_propagation_v1_StartBackfillRequest__Output, _heed_propagation_v1_StartBackfillResponse>;
  
  StopBackfill: grpc.handleUnaryCall<_heed_propagation_v1_StopBackfillRequest__Output, _heed_propagation_v1_StopBackfillResponse>;
  
  WatchBackfill: grpc.handleServerStreamingCall<_heed_propagation_v1_WatchBackfillRequest__Output, _heed_propagation_v1_WatchBackfillResponse>;
  
}

export interface PropagationServiceDefinition extends grpc.ServiceDefinition {
  ApplyPolicy: MethodDefinition<_heed_propagation_v1_ApplyPolicyRequest, _heed_propagation_v1_ApplyPolicyResponse, _heed_propagation_v1_ApplyPolicyRequest__Output, _heed_propagation_v1_ApplyPolicyResponse__Output>
  DiffPolicy: MethodDefinition<_heed_propagation_v1_DiffPolicyRequest, _heed_propagation_v1_DiffPolicyResponse, _heed_propagation_v1_DiffPolicyRequest__Output, _heed_propagation_v1_DiffPolicyResponse__Output>
  ListBackfills: MethodDefinition<_heed_propagation_v1_ListBackfillsRequest, _heed_propagation_v1_ListBackfillsResponse, _heed_propagation_v1_ListBackfillsRequest__Output, _heed_propagation_v1_ListBackfillsResponse__Output>
  PauseRecipient: MethodDefinition<_heed_propagation_v1_PauseRecipientRequest, _heed_propagation_v1_PauseRecipientResponse, _heed_propagation_v1_PauseRecipientRequest__Output, _heed_propagation_v1_PauseRecipientResponse__Output>
  Redeliver: MethodDefinition<_heed_propagation_v1_RedeliverRequest, _heed_propagation_v1_RedeliverResponse, _heed_propagation_v1_RedeliverRequest__Output, _heed_propagation_v1_RedeliverResponse__Output>
  ResolveDelivery: MethodDefinition<_heed_propagation_v1_ResolveDeliveryRequest, _heed_propagation_v1_ResolveDeliveryResponse, _heed_propagation_v1_ResolveDeliveryRequest__Output, _heed_propagation_v1_ResolveDeliveryResponse__Output>
  ResumeBackfill: MethodDefinition<_heed_propagation_v1_ResumeBackfillRequest, _heed_propagation_v1_ResumeBackfillResponse, _heed_propagation_v1_ResumeBackfillRequest__Output, _heed_propagation_v1_ResumeBackfillResponse__Output>
  ResumeRecipient: MethodDefinition<_heed_propagation_v1_ResumeRecipientRequest, _heed_propagation_v1_ResumeRecipientResponse, _heed_propagation_v1_ResumeRecipientRequest__Output, _heed_propagation_v1_ResumeRecipientResponse__Output>
  StartBackfill: MethodDefinition<_heed_propagation_v1_StartBackfillRequest, _heed_propagation_v1_StartBackfillResponse, _heed_propagation_v1_StartBackfillRequest__Output, _heed_propagation_v1_StartBackfillResponse__Output>
  StopBackfill: MethodDefinition<_heed_propagation_v1_StopBackfillRequest, _heed_propagation_v1_StopBackfillResponse, _heed_propagation_v1_StopBackfillRequest__Output, _heed_propagation_v1_StopBackfillResponse__Output>
  WatchBackfill: MethodDefinition<_heed_propagation_v1_WatchBackfillRequest, _heed_propagation_v1_WatchBackfillResponse, _heed_propagation_v1_WatchBackfillRequest__Output, _heed_propagation_v1_WatchBackfillResponse__Output>
}
