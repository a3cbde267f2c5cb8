import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { WaitCount as _heed_audit_v1_WaitCount, WaitCount__Output as _heed_audit_v1_WaitCount__Output } from '../../../heed/audit/v1/WaitCount.ts';
import type { Long } from '@grpc/proto-loader';

export interface RecipientStatus {
  'recipientId'?: (string);
  'requested'?: (number | string | Long);
  'open'?: (number | string | Long);
  'accepted'?: (number | string | Long);
  'confirmed'?: (number | string | Long);
  'verified'?: (number | string | Long);
  'superseded'?: (number | string | Long);
  'notApplicable'?: (number | string | Long);
  'needsPerson'?: (number | string | Long);
  'resolved'?: (number | string | Long);
  'oldestOpenAt'?: (_google_protobuf_Timestamp | null);
  'pastHalf'?: (number | string | Long);
  'pastEighty'?: (number | string | Long);
  'late'?: (number | string | Long);
  'paused'?: (boolean);
  'waiting'?: (_heed_audit_v1_WaitCount)[];
  'settleP50Ms'?: (number | string | Long);
  'settleP99Ms'?: (number | string | Long);
}

export interface RecipientStatus__Output {
  'recipientId': (string);
  'requested': (number);
  'open': (number);
  'accepted': (number);
  'confirmed': (number);
  'verified': (number);
  'superseded': (number);
  'notApplicable': (number);
  'needsPerson': (number);
  'resolved': (number);
  'oldestOpenAt': (_google_protobuf_Timestamp__Output | null);
  'pastHalf': (number);
  'pastEighty': (number);
  'late': (number);
  'paused': (boolean);
  'waiting': (_heed_audit_v1_WaitCount__Output)[];
  'settleP50Ms': (number);
  'settleP99Ms': (number);
}
