import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AuthorizeDisclosureRequest as _heed_preferences_v1_AuthorizeDisclosureRequest, AuthorizeDisclosureRequest__Output as _heed_preferences_v1_AuthorizeDisclosureRequest__Output } from '../../../heed/preferences/v1/AuthorizeDisclosureRequest.ts';
import type { AuthorizeDisclosureResponse as _heed_preferences_v1_AuthorizeDisclosureResponse, AuthorizeDisclosureResponse__Output as _heed_preferences_v1_AuthorizeDisclosureResponse__Output } from '../../../heed/preferences/v1/AuthorizeDisclosureResponse.ts';
import type { BatchCheckPermissionRequest as _heed_preferences_v1_BatchCheckPermissionRequest, BatchCheckPermissionRequest__Output as _heed_preferences_v1_BatchCheckPermissionRequest__Output } from '../../../heed/preferences/v1/BatchCheckPermissionRequest.ts';
import type { BatchCheckPermissionResponse as _heed_preferences_v1_BatchCheckPermissionResponse, BatchCheckPermissionResponse__Output as _heed_preferences_v1_BatchCheckPermissionResponse__Output } from '../../../heed/preferences/v1/BatchCheckPermissionResponse.ts';
import type { CheckPermissionRequest as _heed_preferences_v1_CheckPermissionRequest, CheckPermissionRequest__Output as _heed_preferences_v1_CheckPermissionRequest__Output } from '../../../heed/preferences/v1/CheckPermissionRequest.ts';
import type { CheckPermissionResponse as _heed_preferences_v1_CheckPermissionResponse, CheckPermissionResponse__Output as _heed_preferences_v1_CheckPermissionResponse__Output } from '../../../heed/preferences/v1/CheckPermissionResponse.ts';
import type { CreateUnsubscribeLinksRequest as _heed_preferences_v1_CreateUnsubscribeLinksRequest, CreateUnsubscribeLinksRequest__Output as _heed_preferences_v1_CreateUnsubscribeLinksRequest__Output } from '../../../heed/preferences/v1/CreateUnsubscribeLinksRequest.ts';
import type { CreateUnsubscribeLinksResponse as _heed_preferences_v1_CreateUnsubscribeLinksResponse, CreateUnsubscribeLinksResponse__Output as _heed_preferences_v1_CreateUnsubscribeLinksResponse__Output } from '../../../heed/preferences/v1/CreateUnsubscribeLinksResponse.ts';
import type { EraseSubjectRequest as _heed_preferences_v1_EraseSubjectRequest, EraseSubjectRequest__Output as _heed_preferences_v1_EraseSubjectRequest__Output } from '../../../heed/preferences/v1/EraseSubjectRequest.ts';
import type { EraseSubjectResponse as _heed_preferences_v1_EraseSubjectResponse, EraseSubjectResponse__Output as _heed_preferences_v1_EraseSubjectResponse__Output } from '../../../heed/preferences/v1/EraseSubjectResponse.ts';
import type { GetPolicyRequest as _heed_preferences_v1_GetPolicyRequest, GetPolicyRequest__Output as _heed_preferences_v1_GetPolicyRequest__Output } from '../../../heed/preferences/v1/GetPolicyRequest.ts';
import type { GetPolicyResponse as _heed_preferences_v1_GetPolicyResponse, GetPolicyResponse__Output as _heed_preferences_v1_GetPolicyResponse__Output } from '../../../heed/preferences/v1/GetPolicyResponse.ts';
import type { GetPreferencesRequest as _heed_preferences_v1_GetPreferencesRequest, GetPreferencesRequest__Output as _heed_preferences_v1_GetPreferencesRequest__Output } from '../../../heed/preferences/v1/GetPreferencesRequest.ts';
import type { GetPreferencesResponse as _heed_preferences_v1_GetPreferencesResponse, GetPreferencesResponse__Output as _heed_preferences_v1_GetPreferencesResponse__Output } from '../../../heed/preferences/v1/GetPreferencesResponse.ts';
import type { ImportSuppressionsRequest as _heed_preferences_v1_ImportSuppressionsRequest, ImportSuppressionsRequest__Output as _heed_preferences_v1_ImportSuppressionsRequest__Output } from '../../../heed/preferences/v1/ImportSuppressionsRequest.ts';
import type { ImportSuppressionsResponse as _heed_preferences_v1_ImportSuppressionsResponse, ImportSuppressionsResponse__Output as _heed_preferences_v1_ImportSuppressionsResponse__Output } from '../../../heed/preferences/v1/ImportSuppressionsResponse.ts';
import type { LinkIdentifiersRequest as _heed_preferences_v1_LinkIdentifiersRequest, LinkIdentifiersRequest__Output as _heed_preferences_v1_LinkIdentifiersRequest__Output } from '../../../heed/preferences/v1/LinkIdentifiersRequest.ts';
import type { LinkIdentifiersResponse as _heed_preferences_v1_LinkIdentifiersResponse, LinkIdentifiersResponse__Output as _heed_preferences_v1_LinkIdentifiersResponse__Output } from '../../../heed/preferences/v1/LinkIdentifiersResponse.ts';
import type { ListErasuresRequest as _heed_preferences_v1_ListErasuresRequest, ListErasuresRequest__Output as _heed_preferences_v1_ListErasuresRequest__Output } from '../../../heed/preferences/v1/ListErasuresRequest.ts';
import type { ListErasuresResponse as _heed_preferences_v1_ListErasuresResponse, ListErasuresResponse__Output as _heed_preferences_v1_ListErasuresResponse__Output } from '../../../heed/preferences/v1/ListErasuresResponse.ts';
import type { MarkKnownChildRequest as _heed_preferences_v1_MarkKnownChildRequest, MarkKnownChildRequest__Output as _heed_preferences_v1_MarkKnownChildRequest__Output } from '../../../heed/preferences/v1/MarkKnownChildRequest.ts';
import type { MarkKnownChildResponse as _heed_preferences_v1_MarkKnownChildResponse, MarkKnownChildResponse__Output as _heed_preferences_v1_MarkKnownChildResponse__Output } from '../../../heed/preferences/v1/MarkKnownChildResponse.ts';
import type { PlanChangeRequest as _heed_preferences_v1_PlanChangeRequest, PlanChangeRequest__Output as _heed_preferences_v1_PlanChangeRequest__Output } from '../../../heed/preferences/v1/PlanChangeRequest.ts';
import type { PlanChangeResponse as _heed_preferences_v1_PlanChangeResponse, PlanChangeResponse__Output as _heed_preferences_v1_PlanChangeResponse__Output } from '../../../heed/preferences/v1/PlanChangeResponse.ts';
import type { PlanErasureRequest as _heed_preferences_v1_PlanErasureRequest, PlanErasureRequest__Output as _heed_preferences_v1_PlanErasureRequest__Output } from '../../../heed/preferences/v1/PlanErasureRequest.ts';
import type { PlanErasureResponse as _heed_preferences_v1_PlanErasureResponse, PlanErasureResponse__Output as _heed_preferences_v1_PlanErasureResponse__Output } from '../../../heed/preferences/v1/PlanErasureResponse.ts';
import type { ScanSnapshotsRequest as _heed_preferences_v1_ScanSnapshotsRequest, ScanSnapshotsRequest__Output as _heed_preferences_v1_ScanSnapshotsRequest__Output } from '../../../heed/preferences/v1/ScanSnapshotsRequest.ts';
import type { ScanSnapshotsResponse as _heed_preferences_v1_ScanSnapshotsResponse, ScanSnapshotsResponse__Output as _heed_preferences_v1_ScanSnapshotsResponse__Output } from '../../../heed/preferences/v1/ScanSnapshotsResponse.ts';
import type { SetPreferencesRequest as _heed_preferences_v1_SetPreferencesRequest, SetPreferencesRequest__Output as _heed_preferences_v1_SetPreferencesRequest__Output } from '../../../heed/preferences/v1/SetPreferencesRequest.ts';
import type { SetPreferencesResponse as _heed_preferences_v1_SetPreferencesResponse, SetPreferencesResponse__Output as _heed_preferences_v1_SetPreferencesResponse__Output } from '../../../heed/preferences/v1/SetPreferencesResponse.ts';
import type { StreamPreferencesRequest as _heed_preferences_v1_StreamPreferencesRequest, StreamPreferencesRequest__Output as _heed_preferences_v1_StreamPreferencesRequest__Output } from '../../../heed/preferences/v1/StreamPreferencesRequest.ts';
import type { StreamPreferencesResponse as _heed_preferences_v1_StreamPreferencesResponse, StreamPreferencesResponse__Output as _heed_preferences_v1_StreamPreferencesResponse__Output } from '../../../heed/preferences/v1/StreamPreferencesResponse.ts';
import type { UseUnsubscribeLinksRequest as _heed_preferences_v1_UseUnsubscribeLinksRequest, UseUnsubscribeLinksRequest__Output as _heed_preferences_v1_UseUnsubscribeLinksRequest__Output } from '../../../heed/preferences/v1/UseUnsubscribeLinksRequest.ts';
import type { UseUnsubscribeLinksResponse as _heed_preferences_v1_UseUnsubscribeLinksResponse, UseUnsubscribeLinksResponse__Output as _heed_preferences_v1_UseUnsubscribeLinksResponse__Output } from '../../../heed/preferences/v1/UseUnsubscribeLinksResponse.ts';
import type { WatchChangesRequest as _heed_preferences_v1_WatchChangesRequest, WatchChangesRequest__Output as _heed_preferences_v1_WatchChangesRequest__Output } from '../../../heed/preferences/v1/WatchChangesRequest.ts';
import type { WatchChangesResponse as _heed_preferences_v1_WatchChangesResponse, WatchChangesResponse__Output as _heed_preferences_v1_WatchChangesResponse__Output } from '../../../heed/preferences/v1/WatchChangesResponse.ts';

export interface PreferenceServiceClient extends grpc.Client {
  AuthorizeDisclosure(argument: _heed_preferences_v1_AuthorizeDisclosureRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_AuthorizeDisclosureResponse__Output>): grpc.ClientUnaryCall;
  AuthorizeDisclosure(argument: _heed_preferences_v1_AuthorizeDisclosureRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_AuthorizeDisclosureResponse__Output>): grpc.ClientUnaryCall;
  AuthorizeDisclosure(argument: _heed_preferences_v1_AuthorizeDisclosureRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_AuthorizeDisclosureResponse__Output>): grpc.ClientUnaryCall;
  AuthorizeDisclosure(argument: _heed_preferences_v1_AuthorizeDisclosureRequest, callback: grpc.requestCallback<_heed_preferences_v1_AuthorizeDisclosureResponse__Output>): grpc.ClientUnaryCall;
  authorizeDisclosure(argument: _heed_preferences_v1_AuthorizeDisclosureRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_AuthorizeDisclosureResponse__Output>): grpc.ClientUnaryCall;
  authorizeDisclosure(argument: _heed_preferences_v1_AuthorizeDisclosureRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_AuthorizeDisclosureResponse__Output>): grpc.ClientUnaryCall;
  authorizeDisclosure(argument: _heed_preferences_v1_AuthorizeDisclosureRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_AuthorizeDisclosureResponse__Output>): grpc.ClientUnaryCall;
  authorizeDisclosure(argument: _heed_preferences_v1_AuthorizeDisclosureRequest, callback: grpc.requestCallback<_heed_preferences_v1_AuthorizeDisclosureResponse__Output>): grpc.ClientUnaryCall;
  
  BatchCheckPermission(argument: _heed_preferences_v1_BatchCheckPermissionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_BatchCheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  BatchCheckPermission(argument: _heed_preferences_v1_BatchCheckPermissionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_BatchCheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  BatchCheckPermission(argument: _heed_preferences_v1_BatchCheckPermissionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_BatchCheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  BatchCheckPermission(argument: _heed_preferences_v1_BatchCheckPermissionRequest, callback: grpc.requestCallback<_heed_preferences_v1_BatchCheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  batchCheckPermission(argument: _heed_preferences_v1_BatchCheckPermissionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_BatchCheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  batchCheckPermission(argument: _heed_preferences_v1_BatchCheckPermissionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_BatchCheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  batchCheckPermission(argument: _heed_preferences_v1_BatchCheckPermissionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_BatchCheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  batchCheckPermission(argument: _heed_preferences_v1_BatchCheckPermissionRequest, callback: grpc.requestCallback<_heed_preferences_v1_BatchCheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  
  CheckPermission(argument: _heed_preferences_v1_CheckPermissionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_CheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  CheckPermission(argument: _heed_preferences_v1_CheckPermissionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_CheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  CheckPermission(argument: _heed_preferences_v1_CheckPermissionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_CheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  CheckPermission(argument: _heed_preferences_v1_CheckPermissionRequest, callback: grpc.requestCallback<_heed_preferences_v1_CheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  checkPermission(argument: _heed_preferences_v1_CheckPermissionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_CheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  checkPermission(argument: _heed_preferences_v1_CheckPermissionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_CheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  checkPermission(argument: _heed_preferences_v1_CheckPermissionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_CheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  checkPermission(argument: _heed_preferences_v1_CheckPermissionRequest, callback: grpc.requestCallback<_heed_preferences_v1_CheckPermissionResponse__Output>): grpc.ClientUnaryCall;
  
  CreateUnsubscribeLinks(argument: _heed_preferences_v1_CreateUnsubscribeLinksRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_CreateUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  CreateUnsubscribeLinks(argument: _heed_preferences_v1_CreateUnsubscribeLinksRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_CreateUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  CreateUnsubscribeLinks(argument: _heed_preferences_v1_CreateUnsubscribeLinksRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_CreateUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  CreateUnsubscribeLinks(argument: _heed_preferences_v1_CreateUnsubscribeLinksRequest, callback: grpc.requestCallback<_heed_preferences_v1_CreateUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  createUnsubscribeLinks(argument: _heed_preferences_v1_CreateUnsubscribeLinksRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_CreateUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  createUnsubscribeLinks(argument: _heed_preferences_v1_CreateUnsubscribeLinksRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_CreateUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  createUnsubscribeLinks(argument: _heed_preferences_v1_CreateUnsubscribeLinksRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_CreateUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  createUnsubscribeLinks(argument: _heed_preferences_v1_CreateUnsubscribeLinksRequest, callback: grpc.requestCallback<_heed_preferences_v1_CreateUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  
  EraseSubject(argument: _heed_preferences_v1_EraseSubjectRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_EraseSubjectResponse__Output>): grpc.ClientUnaryCall;
  EraseSubject(argument: _heed_preferences_v1_EraseSubjectRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_EraseSubjectResponse__Output>): grpc.ClientUnaryCall;
  EraseSubject(argument: _heed_preferences_v1_EraseSubjectRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_EraseSubjectResponse__Output>): grpc.ClientUnaryCall;
  EraseSubject(argument: _heed_preferences_v1_EraseSubjectRequest, callback: grpc.requestCallback<_heed_preferences_v1_EraseSubjectResponse__Output>): grpc.ClientUnaryCall;
  eraseSubject(argument: _heed_preferences_v1_EraseSubjectRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_EraseSubjectResponse__Output>): grpc.ClientUnaryCall;
  eraseSubject(argument: _heed_preferences_v1_EraseSubjectRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_EraseSubjectResponse__Output>): grpc.ClientUnaryCall;
  eraseSubject(argument: _heed_preferences_v1_EraseSubjectRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_EraseSubjectResponse__Output>): grpc.ClientUnaryCall;
  eraseSubject(argument: _heed_preferences_v1_EraseSubjectRequest, callback: grpc.requestCallback<_heed_preferences_v1_EraseSubjectResponse__Output>): grpc.ClientUnaryCall;
  
  GetPolicy(argument: _heed_preferences_v1_GetPolicyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_GetPolicyResponse__Output>): grpc.ClientUnaryCall;
  GetPolicy(argument: _heed_preferences_v1_GetPolicyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_GetPolicyResponse__Output>): grpc.ClientUnaryCall;
  GetPolicy(argument: _heed_preferences_v1_GetPolicyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_GetPolicyResponse__Output>): grpc.ClientUnaryCall;
  GetPolicy(argument: _heed_preferences_v1_GetPolicyRequest, callback: grpc.requestCallback<_heed_preferences_v1_GetPolicyResponse__Output>): grpc.ClientUnaryCall;
  getPolicy(argument: _heed_preferences_v1_GetPolicyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_GetPolicyResponse__Output>): grpc.ClientUnaryCall;
  getPolicy(argument: _heed_preferences_v1_GetPolicyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_GetPolicyResponse__Output>): grpc.ClientUnaryCall;
  getPolicy(argument: _heed_preferences_v1_GetPolicyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_GetPolicyResponse__Output>): grpc.ClientUnaryCall;
  getPolicy(argument: _heed_preferences_v1_GetPolicyRequest, callback: grpc.requestCallback<_heed_preferences_v1_GetPolicyResponse__Output>): grpc.ClientUnaryCall;
  
  GetPreferences(argument: _heed_preferences_v1_GetPreferencesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_GetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  GetPreferences(argument: _heed_preferences_v1_GetPreferencesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_GetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  GetPreferences(argument: _heed_preferences_v1_GetPreferencesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_GetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  GetPreferences(argument: _heed_preferences_v1_GetPreferencesRequest, callback: grpc.requestCallback<_heed_preferences_v1_GetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  getPreferences(argument: _heed_preferences_v1_GetPreferencesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_GetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  getPreferences(argument: _heed_preferences_v1_GetPreferencesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_GetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  getPreferences(argument: _heed_preferences_v1_GetPreferencesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_GetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  getPreferences(argument: _heed_preferences_v1_GetPreferencesRequest, callback: grpc.requestCallback<_heed_preferences_v1_GetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  
  ImportSuppressions(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_ImportSuppressionsResponse__Output>): grpc.ClientWritableStream<_heed_preferences_v1_ImportSuppressionsRequest>;
  ImportSuppressions(metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_ImportSuppressionsResponse__Output>): grpc.ClientWritableStream<_heed_preferences_v1_ImportSuppressionsRequest>;
  ImportSuppressions(options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_ImportSuppressionsResponse__Output>): grpc.ClientWritableStream<_heed_preferences_v1_ImportSuppressionsRequest>;
  ImportSuppressions(callback: grpc.requestCallback<_heed_preferences_v1_ImportSuppressionsResponse__Output>): grpc.ClientWritableStream<_heed_preferences_v1_ImportSuppressionsRequest>;
  importSuppressions(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_ImportSuppressionsResponse__Output>): grpc.ClientWritableStream<_heed_preferences_v1_ImportSuppressionsRequest>;
  importSuppressions(metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_ImportSuppressionsResponse__Output>): grpc.ClientWritableStream<_heed_preferences_v1_ImportSuppressionsRequest>;
  importSuppressions(options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_ImportSuppressionsResponse__Output>): grpc.ClientWritableStream<_heed_preferences_v1_ImportSuppressionsRequest>;
  importSuppressions(callback: grpc.requestCallback<_heed_preferences_v1_ImportSuppressionsResponse__Output>): grpc.ClientWritableStream<_heed_preferences_v1_ImportSuppressionsRequest>;
  
  LinkIdentifiers(argument: _heed_preferences_v1_LinkIdentifiersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_LinkIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  LinkIdentifiers(argument: _heed_preferences_v1_LinkIdentifiersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_LinkIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  LinkIdentifiers(argument: _heed_preferences_v1_LinkIdentifiersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_LinkIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  LinkIdentifiers(argument: _heed_preferences_v1_LinkIdentifiersRequest, callback: grpc.requestCallback<_heed_preferences_v1_LinkIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  linkIdentifiers(argument: _heed_preferences_v1_LinkIdentifiersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_LinkIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  linkIdentifiers(argument: _heed_preferences_v1_LinkIdentifiersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_LinkIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  linkIdentifiers(argument: _heed_preferences_v1_LinkIdentifiersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_LinkIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  linkIdentifiers(argument: _heed_preferences_v1_LinkIdentifiersRequest, callback: grpc.requestCallback<_heed_preferences_v1_LinkIdentifiersResponse__Output>): grpc.ClientUnaryCall;
  
  ListErasures(argument: _heed_preferences_v1_ListErasuresRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_ListErasuresResponse__Output>): grpc.ClientUnaryCall;
  ListErasures(argument: _heed_preferences_v1_ListErasuresRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_ListErasuresResponse__Output>): grpc.ClientUnaryCall;
  ListErasures(argument: _heed_preferences_v1_ListErasuresRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_ListErasuresResponse__Output>): grpc.ClientUnaryCall;
  ListErasures(argument: _heed_preferences_v1_ListErasuresRequest, callback: grpc.requestCallback<_heed_preferences_v1_ListErasuresResponse__Output>): grpc.ClientUnaryCall;
  listErasures(argument: _heed_preferences_v1_ListErasuresRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_ListErasuresResponse__Output>): grpc.ClientUnaryCall;
  listErasures(argument: _heed_preferences_v1_ListErasuresRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_ListErasuresResponse__Output>): grpc.ClientUnaryCall;
  listErasures(argument: _heed_preferences_v1_ListErasuresRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_ListErasuresResponse__Output>): grpc.ClientUnaryCall;
  listErasures(argument: _heed_preferences_v1_ListErasuresRequest, callback: grpc.requestCallback<_heed_preferences_v1_ListErasuresResponse__Output>): grpc.ClientUnaryCall;
  
  MarkKnownChild(argument: _heed_preferences_v1_MarkKnownChildRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_MarkKnownChildResponse__Output>): grpc.ClientUnaryCall;
  MarkKnownChild(argument: _heed_preferences_v1_MarkKnownChildRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_MarkKnownChildResponse__Output>): grpc.ClientUnaryCall;
  MarkKnownChild(argument: _heed_preferences_v1_MarkKnownChildRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_MarkKnownChildResponse__Output>): grpc.ClientUnaryCall;
  MarkKnownChild(argument: _heed_preferences_v1_MarkKnownChildRequest, callback: grpc.requestCallback<_heed_preferences_v1_MarkKnownChildResponse__Output>): grpc.ClientUnaryCall;
  markKnownChild(argument: _heed_preferences_v1_MarkKnownChildRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_MarkKnownChildResponse__Output>): grpc.ClientUnaryCall;
  markKnownChild(argument: _heed_preferences_v1_MarkKnownChildRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_MarkKnownChildResponse__Output>): grpc.ClientUnaryCall;
  markKnownChild(argument: _heed_preferences_v1_MarkKnownChildRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_MarkKnownChildResponse__Output>): grpc.ClientUnaryCall;
  markKnownChild(argument: _heed_preferences_v1_MarkKnownChildRequest, callback: grpc.requestCallback<_heed_preferences_v1_MarkKnownChildResponse__Output>): grpc.ClientUnaryCall;
  
  PlanChange(argument: _heed_preferences_v1_PlanChangeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_PlanChangeResponse__Output>): grpc.ClientUnaryCall;
  PlanChange(argument: _heed_preferences_v1_PlanChangeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_PlanChangeResponse__Output>): grpc.ClientUnaryCall;
  PlanChange(argument: _heed_preferences_v1_PlanChangeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_PlanChangeResponse__Output>): grpc.ClientUnaryCall;
  PlanChange(argument: _heed_preferences_v1_PlanChangeRequest, callback: grpc.requestCallback<_heed_preferences_v1_PlanChangeResponse__Output>): grpc.ClientUnaryCall;
  planChange(argument: _heed_preferences_v1_PlanChangeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_PlanChangeResponse__Output>): grpc.ClientUnaryCall;
  planChange(argument: _heed_preferences_v1_PlanChangeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_PlanChangeResponse__Output>): grpc.ClientUnaryCall;
  planChange(argument: _heed_preferences_v1_PlanChangeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_PlanChangeResponse__Output>): grpc.ClientUnaryCall;
  planChange(argument: _heed_preferences_v1_PlanChangeRequest, callback: grpc.requestCallback<_heed_preferences_v1_PlanChangeResponse__Output>): grpc.ClientUnaryCall;
  
  PlanErasure(argument: _heed_preferences_v1_PlanErasureRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_PlanErasureResponse__Output>): grpc.ClientUnaryCall;
  PlanErasure(argument: _heed_preferences_v1_PlanErasureRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_PlanErasureResponse__Output>): grpc.ClientUnaryCall;
  PlanErasure(argument: _heed_preferences_v1_PlanErasureRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_PlanErasureResponse__Output>): grpc.ClientUnaryCall;
  PlanErasure(argument: _heed_preferences_v1_PlanErasureRequest, callback: grpc.requestCallback<_heed_preferences_v1_PlanErasureResponse__Output>): grpc.ClientUnaryCall;
  planErasure(argument: _heed_preferences_v1_PlanErasureRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_PlanErasureResponse__Output>): grpc.ClientUnaryCall;
  planErasure(argument: _heed_preferences_v1_PlanErasureRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_PlanErasureResponse__Output>): grpc.ClientUnaryCall;
  planErasure(argument: _heed_preferences_v1_PlanErasureRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_PlanErasureResponse__Output>): grpc.ClientUnaryCall;
  planErasure(argument: _heed_preferences_v1_PlanErasureRequest, callback: grpc.requestCallback<_heed_preferences_v1_PlanErasureResponse__Output>): grpc.ClientUnaryCall;
  
  ScanSnapshots(argument: _heed_preferences_v1_ScanSnapshotsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_preferences_v1_ScanSnapshotsResponse__Output>;
  ScanSnapshots(argument: _heed_preferences_v1_ScanSnapshotsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_preferences_v1_ScanSnapshotsResponse__Output>;
  scanSnapshots(argument: _heed_preferences_v1_ScanSnapshotsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_preferences_v1_ScanSnapshotsResponse__Output>;
  scanSnapshots(argument: _heed_preferences_v1_ScanSnapshotsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_preferences_v1_ScanSnapshotsResponse__Output>;
  
  SetPreferences(argument: _heed_preferences_v1_SetPreferencesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_SetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  SetPreferences(argument: _heed_preferences_v1_SetPreferencesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_SetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  SetPreferences(argument: _heed_preferences_v1_SetPreferencesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_SetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  SetPreferences(argument: _heed_preferences_v1_SetPreferencesRequest, callback: grpc.requestCallback<_heed_preferences_v1_SetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  setPreferences(argument: _heed_preferences_v1_SetPreferencesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_SetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  setPreferences(argument: _heed_preferences_v1_SetPreferencesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_SetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  setPreferences(argument: _heed_preferences_v1_SetPreferencesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_SetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  setPreferences(argument: _heed_preferences_v1_SetPreferencesRequest, callback: grpc.requestCallback<_heed_preferences_v1_SetPreferencesResponse__Output>): grpc.ClientUnaryCall;
  
  StreamPreferences(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_heed_preferences_v1_StreamPreferencesRequest, _heed_preferences_v1_StreamPreferencesResponse__Output>;
  StreamPreferences(options?: grpc.CallOptions): grpc.ClientDuplexStream<_heed_preferences_v1_StreamPreferencesRequest, _heed_preferences_v1_StreamPreferencesResponse__Output>;
  streamPreferences(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_heed_preferences_v1_StreamPreferencesRequest, _heed_preferences_v1_StreamPreferencesResponse__Output>;
  streamPreferences(options?: grpc.CallOptions): grpc.ClientDuplexStream<_heed_preferences_v1_StreamPreferencesRequest, _heed_preferences_v1_StreamPreferencesResponse__Output>;
  
  UseUnsubscribeLinks(argument: _heed_preferences_v1_UseUnsubscribeLinksRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_UseUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  UseUnsubscribeLinks(argument: _heed_preferences_v1_UseUnsubscribeLinksRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_UseUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  UseUnsubscribeLinks(argument: _heed_preferences_v1_UseUnsubscribeLinksRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_UseUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  UseUnsubscribeLinks(argument: _heed_preferences_v1_UseUnsubscribeLinksRequest, callback: grpc.requestCallback<_heed_preferences_v1_UseUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  useUnsubscribeLinks(argument: _heed_preferences_v1_UseUnsubscribeLinksRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_UseUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  useUnsubscribeLinks(argument: _heed_preferences_v1_UseUnsubscribeLinksRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_heed_preferences_v1_UseUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  useUnsubscribeLinks(argument: _heed_preferences_v1_UseUnsubscribeLinksRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_heed_preferences_v1_UseUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  useUnsubscribeLinks(argument: _heed_preferences_v1_UseUnsubscribeLinksRequest, callback: grpc.requestCallback<_heed_preferences_v1_UseUnsubscribeLinksResponse__Output>): grpc.ClientUnaryCall;
  
  WatchChanges(argument: _heed_preferences_v1_WatchChangesRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_preferences_v1_WatchChangesResponse__Output>;
  WatchChanges(argument: _heed_preferences_v1_WatchChangesRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_preferences_v1_WatchChangesResponse__Output>;
  watchChanges(argument: _heed_preferences_v1_WatchChangesRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_preferences_v1_WatchChangesResponse__Output>;
  watchChanges(argument: _heed_preferences_v1_WatchChangesRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_heed_preferences_v1_WatchChangesResponse__Output>;
  
}

export interface PreferenceServiceHandlers extends grpc.UntypedServiceImplementation {
  AuthorizeDisclosure: grpc.handleUnaryCall<_heed_preferences_v1_AuthorizeDisclosureRequest__Output, _heed_preferences_v1_AuthorizeDisclosureResponse>;
  
  BatchCheckPermission: grpc.handleUnaryCall<_heed_preferences_v1_BatchCheckPermissionRequest__Output, _heed_preferences_v1_BatchCheckPermissionResponse>;
  
  CheckPermission: grpc.handleUnaryCall<_heed_preferences_v1_CheckPermissionRequest__Output, _heed_preferences_v1_CheckPermissionResponse>;
  
  CreateUnsubscribeLinks: grpc.handleUnaryCall<_heed_preferences_v1_CreateUnsubscribeLinksRequest__Output, _heed_preferences_v1_CreateUnsubscribeLinksResponse>;
  
  EraseSubject: grpc.handleUnaryCall<_heed_preferences_v1_EraseSubjectRequest__Output, _heed_preferences_v1_EraseSubjectResponse>;
  
  GetPolicy: grpc.handleUnaryCall<_heed_preferences_v1_GetPolicyRequest__Output, _heed_preferences_v1_GetPolicyResponse>;
  
  GetPreferences: grpc.handleUnaryCall<_heed_preferences_v1_GetPreferencesRequest__Output, _heed_preferences_v1_GetPreferencesResponse>;
  
  ImportSuppressions: grpc.handleClientStreamingCall<_heed_preferences_v1_ImportSuppressionsRequest__Output, _heed_preferences_v1_ImportSuppressionsResponse>;
  
  LinkIdentifiers: grpc.handleUnaryCall<_heed_preferences_v1_LinkIdentifiersRequest__Output, _heed_preferences_v1_LinkIdentifiersResponse>;
  
  ListErasures: grpc.handleUnaryCall<_heed_preferences_v1_ListErasuresRequest__Output, _heed_preferences_v1_ListErasuresResponse>;
  
  MarkKnownChild: grpc.handleUnaryCall<_heed_preferences_v1_MarkKnownChildRequest__Output, _heed_preferences_v1_MarkKnownChildResponse>;
  
  PlanChange: grpc.handleUnaryCall<_heed_preferences_v1_PlanChangeRequest__Output, _heed_preferences_v1_PlanChangeResponse>;
  
  PlanErasure: grpc.handleUnaryCall<_heed_preferences_v1_PlanErasureRequest__Output, _heed_preferences_v1_PlanErasureResponse>;
  
  ScanSnapshots: grpc.handleServerStreamingCall<_heed_preferences_v1_ScanSnapshotsRequest__Output, _heed_preferences_v1_ScanSnapshotsResponse>;
  
  SetPreferences: grpc.handleUnaryCall<_heed_preferences_v1_SetPreferencesRequest__Output, _heed_preferences_v1_SetPreferencesResponse>;
  
  StreamPreferences: grpc.handleBidiStreamingCall<_heed_preferences_v1_StreamPreferencesRequest__Output, _heed_preferences_v1_StreamPreferencesResponse>;
  
  UseUnsubscribeLinks: grpc.handleUnaryCall<_heed_preferences_v1_UseUnsubscribeLinksRequest__Output, _heed_preferences_v1_UseUnsubscribeLinksResponse>;
  
  WatchChanges: grpc.handleServerStreamingCall<_heed_preferences_v1_WatchChangesRequest__Output, _heed_preferences_v1_WatchChangesResponse>;
  
}

export interface PreferenceServiceDefinition extends grpc.ServiceDefinition {
  AuthorizeDisclosure: MethodDefinition<_heed_preferences_v1_AuthorizeDisclosureRequest, _heed_preferences_v1_AuthorizeDisclosureResponse, _heed_preferences_v1_AuthorizeDisclosureRequest__Output, _heed_preferences_v1_AuthorizeDisclosureResponse__Output>
  BatchCheckPermission: MethodDefinition<_heed_preferences_v1_BatchCheckPermissionRequest, _heed_preferences_v1_BatchCheckPermissionResponse, _heed_preferences_v1_BatchCheckPermissionRequest__Output, _heed_preferences_v1_BatchCheckPermissionResponse__Output>
  CheckPermission: MethodDefinition<_heed_preferences_v1_CheckPermissionRequest, _heed_preferences_v1_CheckPermissionResponse, _heed_preferences_v1_CheckPermissionRequest__Output, _heed_preferences_v1_CheckPermissionResponse__Output>
  CreateUnsubscribeLinks: MethodDefinition<_heed_preferences_v1_CreateUnsubscribeLinksRequest, _heed_preferences_v1_CreateUnsubscribeLinksResponse, _heed_preferences_v1_CreateUnsubscribeLinksRequest__Output, _heed_preferences_v1_CreateUnsubscribeLinksResponse__Output>
  EraseSubject: MethodDefinition<_heed_preferences_v1_EraseSubjectRequest, _heed_preferences_v1_EraseSubjectResponse, _heed_preferences_v1_EraseSubjectRequest__Output, _heed_preferences_v1_EraseSubjectResponse__Output>
  GetPolicy: MethodDefinition<_heed_preferences_v1_GetPolicyRequest, _heed_preferences_v1_GetPolicyResponse, _heed_preferences_v1_GetPolicyRequest__Output, _heed_preferences_v1_GetPolicyResponse__Output>
  GetPreferences: MethodDefinition<_heed_preferences_v1_GetPreferencesRequest, _heed_preferences_v1_GetPreferencesResponse, _heed_preferences_v1_GetPreferencesRequest__Output, _heed_preferences_v1_GetPreferencesResponse__Output>
  ImportSuppressions: MethodDefinition<_heed_preferences_v1_ImportSuppressionsRequest, _heed_preferences_v1_ImportSuppressionsResponse, _heed_preferences_v1_ImportSuppressionsRequest__Output, _heed_preferences_v1_ImportSuppressionsResponse__Output>
  LinkIdentifiers: MethodDefinition<_heed_preferences_v1_LinkIdentifiersRequest, _heed_preferences_v1_LinkIdentifiersResponse, _heed_preferences_v1_LinkIdentifiersRequest__Output, _heed_preferences_v1_LinkIdentifiersResponse__Output>
  ListErasures: MethodDefinition<_heed_preferences_v1_ListErasuresRequest, _heed_preferences_v1_ListErasuresResponse, _heed_preferences_v1_ListErasuresRequest__Output, _heed_preferences_v1_ListErasuresResponse__Output>
  MarkKnownChild: MethodDefinition<_heed_preferences_v1_MarkKnownChildRequest, _heed_preferences_v1_MarkKnownChildResponse, _heed_preferences_v1_MarkKnownChildRequest__Output, _heed_preferences_v1_MarkKnownChildResponse__Output>
  PlanChange: MethodDefinition<_heed_preferences_v1_PlanChangeRequest, _heed_preferences_v1_PlanChangeResponse, _heed_preferences_v1_PlanChangeRequest__Output, _heed_preferences_v1_PlanChangeResponse__Output>
  PlanErasure: MethodDefinition<_heed_preferences_v1_PlanErasureRequest, _heed_preferences_v1_PlanErasureResponse, _heed_preferences_v1_PlanErasureRequest__Output, _heed_preferences_v1_PlanErasureResponse__Output>
  ScanSnapshots: MethodDefinition<_heed_preferences_v1_ScanSnapshotsRequest, _heed_preferences_v1_ScanSnapshotsResponse, _heed_preferences_v1_ScanSnapshotsRequest__Output, _heed_preferences_v1_ScanSnapshotsResponse__Output>
  SetPreferences: MethodDefinition<_heed_preferences_v1_SetPreferencesRequest, _heed_preferences_v1_SetPreferencesResponse, _heed_preferences_v1_SetPreferencesRequest__Output, _heed_preferences_v1_SetPreferencesResponse__Output>
  StreamPreferences: MethodDefinition<_heed_preferences_v1_StreamPreferencesRequest, _heed_preferences_v1_StreamPreferencesResponse, _heed_preferences_v1_StreamPreferencesRequest__Output, _heed_preferences_v1_StreamPreferencesResponse__Output>
  UseUnsubscribeLinks: MethodDefinition<_heed_preferences_v1_UseUnsubscribeLinksRequest, _heed_preferences_v1_UseUnsubscribeLinksResponse, _heed_preferences_v1_UseUnsubscribeLinksRequest__Output, _heed_preferences_v1_UseUnsubscribeLinksResponse__Output>
  WatchChanges: MethodDefinition<_heed_preferences_v1_WatchChangesRequest, _heed_preferences_v1_WatchChangesResponse, _heed_preferences_v1_WatchChangesRequest__Output, _heed_preferences_v1_WatchChangesResponse__Output>
}
