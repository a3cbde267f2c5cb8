import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { HandOverIdentifiersRequest as _heed_identifiers_v1_HandOverIdentifiersRequest, HandOverIdentifiersRequest__Output as _heed_identifiers_v1_HandOverIdentifiersRequest__Output } from '../../../heed/identifiers/v1/HandOverIdentifiersRequest.ts';
import type { HandOverIdentifiersResponse as _heed_identifiers_v1_HandOverIdentifiersResponse, HandOverIdentifiersResponse__Output as _heed_identifiers_v1_HandOverIdentifiersResponse__Output } from '../../../heed/identifiers/v1/HandOverIdentifiersResponse.ts';
import type { ResolveIdentifiersRequest as _heed_identifiers_v1_ResolveIdentifiersRequest, ResolveIdentifiersRequest__Output as _heed_identifiers_v1_ResolveIdentifiersRequest__Output } from '../../../heed/identifiers/v1/ResolveIdentifiersRequest.ts';
import type { ResolveIdentifiersResponse as _heed_identifiers_v1_ResolveIdentifiersResponse, ResolveIdentifiersResponse__Output as _heed_identifiers_v1_ResolveIdentifiersResponse__Output } from '../../../heed/identifiers/v1/ResolveIdentifiersResponse.ts';

export interface IdentifierServiceClient extends grpc.Client {
  HandOverIdentifiers(argument: _heed_identifiers_v1_HandOverIdentifiersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_identifiers_v1_HandOverIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  HandOverIdentifiers(argument: _heed_identifiers_v1_HandOverIdentifiersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_identifiers_v1_HandOverIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  HandOverIdentifiers(argument: _heed_identifiers_v1_HandOverIdentifiersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_identifiers_v1_HandOverIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  HandOverIdentifiers(argument: _heed_identifiers_v1_HandOverIdentifiersRequest, callback: grpc.requestCallback<_heed_identifiers_v1_HandOverIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  handOverIdentifiers(argument: _heed_identifiers_v1_HandOverIdentifiersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_identifiers_v1_HandOverIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  handOverIdentifiers(argument: _heed_identifiers_v1_HandOverIdentifiersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_identifiers_v1_HandOverIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  handOverIdentifiers(argument: _heed_identifiers_v1_HandOverIdentifiersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_identifiers_v1_HandOverIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  handOverIdentifiers(argument: _heed_identifiers_v1_HandOverIdentifiersRequest, callback: grpc.requestCallback<_heed_identifiers_v1_HandOverIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  
  ResolveIdentifiers(argument: _heed_identifiers_v1_ResolveIdentifiersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_identifiers_v1_ResolveIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  ResolveIdentifiers(argument: _heed_identifiers_v1_ResolveIdentifiersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_identifiers_v1_ResolveIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  ResolveIdentifiers(argument: _heed_identifiers_v1_ResolveIdentifiersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_identifiers_v1_ResolveIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  ResolveIdentifiers(argument: _heed_identifiers_v1_ResolveIdentifiersRequest, callback: grpc.requestCallback<_heed_identifiers_v1_ResolveIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  resolveIdentifiers(argument: _heed_identifiers_v1_ResolveIdentifiersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_identifiers_v1_ResolveIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  resolveIdentifiers(argument: _heed_identifiers_v1_ResolveIdentifiersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_identifiers_v1_ResolveIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  resolveIdentifiers(argument: _heed_identifiers_v1_ResolveIdentifiersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_identifiers_v1_ResolveIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  resolveIdentifiers(argument: _heed_identifiers_v1_ResolveIdentifiersRequest, callback: grpc.requestCallback<_heed_identifiers_v1_ResolveIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface IdentifierServiceHandlers extends grpc.UntypedServiceImplementation {
  HandOverIdentifiers: grpc.handleUnaryCall<_heed_identifiers_v1_HandOverIdentifiersRequest__Output, _heed_identifiers_v1_HandOverIdentifiersResponse>;
  
  ResolveIdentifiers: grpc.handleUnaryCall<_heed_identifiers_v1_ResolveIdentifiersRequest__Output, _heed_identifiers_v1_ResolveIdentifiersResponse>;
  
}

export interface IdentifierServiceDefinition extends grpc.ServiceDefinition {
  HandOverIdentifiers: MethodDefinition<_heed_identifiers_v1_HandOverIdentifiersRequest, _heed_identifiers_v1_HandOverIdentifiersResponse, _heed_identifiers_v1_HandOverIdentifiersRequest__Output, _heed_identifiers_v1_HandOverIdentifiersResponse__Output>
  ResolveIdentifiers: MethodDefinition<_heed_identifiers_v1_ResolveIdentifiersRequest, _heed_identifiers_v1_ResolveIdentifiersResponse, _heed_identifiers_v1_ResolveIdentifiersRequest__Output, _heed_identifiers_v1_ResolveIdentifiersResponse__Output>
}
