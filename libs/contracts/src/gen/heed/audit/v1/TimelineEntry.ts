import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { Long } from '@grpc/proto-loader';

export interface TimelineEntry {
  'sequence'?: (number | string | Long);
  'at'?: (_google_protobuf_Timestamp | null);
  'kind'?: (string);
  'subjectId'?: (string);
  'version'?: (number | string | Long);
  'recipientId'?: (string);
  'factsJson'?: (string);
}

export interface TimelineEntry__Output {
  'sequence': (number);
  'at': (_google_protobuf_Timestamp__Output | null);
  'kind': (string);
  'subjectId': (string);
  'version': (number);
  'recipientId': (string);
  'factsJson': (string);
}
