import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { PurposeChoice as _heed_common_v1_PurposeChoice, PurposeChoice__Output as _heed_common_v1_PurposeChoice__Output } from '../../../heed/common/v1/PurposeChoice.ts';
import type { DeliveryStatus as _heed_audit_v1_DeliveryStatus, DeliveryStatus__Output as _heed_audit_v1_DeliveryStatus__Output } from '../../../heed/audit/v1/DeliveryStatus.ts';
import type { Long } from '@grpc/proto-loader';

export interface ChangeStatus {
  'changeId'?: (string);
  'subjectId'?: (string);
  'version'?: (number | string | Long);
  'acceptedAt'?: (_google_protobuf_Timestamp | null);
  'choices'?: (_heed_common_v1_PurposeChoice)[];
  'changed'?: (string)[];
  'policyVersion'?: (string);
  'deliveries'?: (_heed_audit_v1_DeliveryStatus)[];
  'settled'?: (boolean);
}

export interface ChangeStatus__Output {
  'changeId': (string);
  'subjectId': (string);
  'version': (number);
  'acceptedAt': (_google_protobuf_Timestamp__Output | null);
  'choices': (_heed_common_v1_PurposeChoice__Output)[];
  'changed': (string)[];
  'policyVersion': (string);
  'deliveries': (_heed_audit_v1_DeliveryStatus__Output)[];
  'settled': (boolean);
}
