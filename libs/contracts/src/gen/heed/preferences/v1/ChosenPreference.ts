import type { Choice as _heed_common_v1_Choice, Choice__Output as _heed_common_v1_Choice__Output } from '../../../heed/common/v1/Choice.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { Long } from '@grpc/proto-loader';

export interface ChosenPreference {
  'purpose'?: (string);
  'choice'?: (_heed_common_v1_Choice);
  'version'?: (number | string | Long);
  'at'?: (_google_protobuf_Timestamp | null);
}

export interface ChosenPreference__Output {
  'purpose': (string);
  'choice': (_heed_common_v1_Choice__Output);
  'version': (number);
  'at': (_google_protobuf_Timestamp__Output | null);
}
