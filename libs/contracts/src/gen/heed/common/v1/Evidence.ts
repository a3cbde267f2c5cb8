import type { EvidenceKind as _heed_common_v1_EvidenceKind, EvidenceKind__Output as _heed_common_v1_EvidenceKind__Output } from '../../../heed/common/v1/EvidenceKind.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';

export interface Evidence {
  'kind'?: (_heed_common_v1_EvidenceKind);
  'reference'?: (string);
  'collectedAt'?: (_google_protobuf_Timestamp | null);
}

export interface Evidence__Output {
  'kind': (_heed_common_v1_EvidenceKind__Output);
  'reference': (string);
  'collectedAt': (_google_protobuf_Timestamp__Output | null);
}
