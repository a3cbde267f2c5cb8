import type { IdentifierKind as _heed_common_v1_IdentifierKind, IdentifierKind__Output as _heed_common_v1_IdentifierKind__Output } from '../../../heed/common/v1/IdentifierKind.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { Long } from '@grpc/proto-loader';

export interface DisclosedKind {
  'kind'?: (_heed_common_v1_IdentifierKind);
  'form'?: (string);
  'times'?: (number | string | Long);
  'mostAtOnce'?: (number);
  'firstAt'?: (_google_protobuf_Timestamp | null);
  'lastAt'?: (_google_protobuf_Timestamp | null);
}

export interface DisclosedKind__Output {
  'kind': (_heed_common_v1_IdentifierKind__Output);
  'form': (string);
  'times': (number);
  'mostAtOnce': (number);
  'firstAt': (_google_protobuf_Timestamp__Output | null);
  'lastAt': (_google_protobuf_Timestamp__Output | null);
}
