import type { OriginKind as _heed_common_v1_OriginKind, OriginKind__Output as _heed_common_v1_OriginKind__Output } from '../../../heed/common/v1/OriginKind.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';

export interface UnsubscribeLinkUse {
  'linkRef'?: (string);
  'scope'?: (string);
  'method'?: (_heed_common_v1_OriginKind);
  'tokenFingerprint'?: (string);
  'keyId'?: (string);
  'usedAt'?: (_google_protobuf_Timestamp | null);
  'requestId'?: (string);
}

export interface UnsubscribeLinkUse__Output {
  'linkRef': (string);
  'scope': (string);
  'method': (_heed_common_v1_OriginKind__Output);
  'tokenFingerprint': (string);
  'keyId': (string);
  'usedAt': (_google_protobuf_Timestamp__Output | null);
  'requestId': (string);
}
