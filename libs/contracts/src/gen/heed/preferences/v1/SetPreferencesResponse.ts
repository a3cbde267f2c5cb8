import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { Long } from '@grpc/proto-loader';

export interface SetPreferencesResponse {
  'subjectId'?: (string);
  'version'?: (number | string | Long);
  'changeId'?: (string);
  'changed'?: (boolean);
  'acceptedAt'?: (_google_protobuf_Timestamp | null);
}

export interface SetPreferencesResponse__Output {
  'subjectId': (string);
  'version': (number);
  'changeId': (string);
  'changed': (boolean);
  'acceptedAt': (_google_protobuf_Timestamp__Output | null);
}
