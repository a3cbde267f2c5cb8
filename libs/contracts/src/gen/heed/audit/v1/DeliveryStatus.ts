import type { DeliveryState as _heed_audit_v1_DeliveryState, DeliveryState__Output as _heed_audit_v1_DeliveryState__Output } from '../../../heed/audit/v1/DeliveryState.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { PurposeChoice as _heed_common_v1_PurposeChoice, PurposeChoice__Output as _heed_common_v1_PurposeChoice__Output } from '../../../heed/common/v1/PurposeChoice.ts';
import type { Long } from '@grpc/proto-loader';

export interface DeliveryStatus {
  'deliveryId'?: (string);
  'recipientId'?: (string);
  'subjectId'?: (string);
  'version'?: (number | string | Long);
  'state'?: (_heed_audit_v1_DeliveryState);
  'settled'?: (boolean);
  'waitReason'?: (string);
  'lastReason'?: (string);
  'attempts'?: (number);
  'acceptedAt'?: (_google_protobuf_Timestamp | null);
  'deadlineAt'?: (_google_protobuf_Timestamp | null);
  'lastAttemptAt'?: (_google_protobuf_Timestamp | null);
  'nextTryAt'?: (_google_protobuf_Timestamp | null);
  'settledAt'?: (_google_protobuf_Timestamp | null);
  'verifiedAt'?: (_google_protobuf_Timestamp | null);
  'wanted'?: (_heed_common_v1_PurposeChoice)[];
  'ownerRole'?: (string);
  'resolvedBy'?: (string);
  'resolvedEvidence'?: (string);
  'kind'?: (string);
}

export interface DeliveryStatus__Output {
  'deliveryId': (string);
  'recipientId': (string);
  'subjectId': (string);
  'version': (number);
  'state': (_heed_audit_v1_DeliveryState__Output);
  'settled': (boolean);
  'waitReason': (string);
  'lastReason': (string);
  'attempts': (number);
  'acceptedAt': (_google_protobuf_Timestamp__Output | null);
  'deadlineAt': (_google_protobuf_Timestamp__Output | null);
  'lastAttemptAt': (_google_protobuf_Timestamp__Output | null);
  'nextTryAt': (_google_protobuf_Timestamp__Output | null);
  'settledAt': (_google_protobuf_Timestamp__Output | null);
  'verifiedAt': (_google_protobuf_Timestamp__Output | null);
  'wanted': (_heed_common_v1_PurposeChoice__Output)[];
  'ownerRole': (string);
  'resolvedBy': (string);
  'resolvedEvidence': (string);
  'kind': (string);
}
