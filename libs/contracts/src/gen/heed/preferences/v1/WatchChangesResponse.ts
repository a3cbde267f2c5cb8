import type { PurposeChoice as _heed_common_v1_PurposeChoice, PurposeChoice__Output as _heed_common_v1_PurposeChoice__Output } from '../../../heed/common/v1/PurposeChoice.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { Long } from '@grpc/proto-loader';

export interface WatchChangesResponse {
  'resumeToken'?: (string);
  'changeId'?: (string);
  'subjectId'?: (string);
  'version'?: (number | string | Long);
  'choices'?: (_heed_common_v1_PurposeChoice)[];
  'changed'?: (string)[];
  'acceptedAt'?: (_google_protobuf_Timestamp | null);
  'policyVersion'?: (string);
}

export interface WatchChangesResponse__Output {
  'resumeToken': (string);
  'changeId': (string);
  'subjectId': (string);
  'version': (number);
  'choices': (_heed_common_v1_PurposeChoice__Output)[];
  'changed': (string)[];
  'acceptedAt': (_google_protobuf_Timestamp__Output | null);
  'policyVersion': (string);
}
