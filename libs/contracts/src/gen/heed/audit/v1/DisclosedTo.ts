import type { DisclosedKind as _heed_audit_v1_DisclosedKind, DisclosedKind__Output as _heed_audit_v1_DisclosedKind__Output } from '../../../heed/audit/v1/DisclosedKind.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { Long } from '@grpc/proto-loader';

export interface DisclosedTo {
  'recipientId'?: (string);
  'title'?: (string);
  'role'?: (string);
  'clause'?: (string);
  'quote'?: (string);
  'purposes'?: (string)[];
  'kinds'?: (_heed_audit_v1_DisclosedKind)[];
  'times'?: (number | string | Long);
  'firstAt'?: (_google_protobuf_Timestamp | null);
  'lastAt'?: (_google_protobuf_Timestamp | null);
  'policyVersions'?: (string)[];
}

export interface DisclosedTo__Output {
  'recipientId': (string);
  'title': (string);
  'role': (string);
  'clause': (string);
  'quote': (string);
  'purposes': (string)[];
  'kinds': (_heed_audit_v1_DisclosedKind__Output)[];
  'times': (number);
  'firstAt': (_google_protobuf_Timestamp__Output | null);
  'lastAt': (_google_protobuf_Timestamp__Output | null);
  'policyVersions': (string)[];
}
