import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { Long } from '@grpc/proto-loader';

export interface ListEntriesRequest {
  'fromSequence'?: (number | string | Long);
  'toSequence'?: (number | string | Long);
  'subjectId'?: (string);
  'changeId'?: (string);
  'deliveryId'?: (string);
  'from'?: (_google_protobuf_Timestamp | null);
  'to'?: (_google_protobuf_Timestamp | null);
  'kinds'?: (string)[];
}

export interface ListEntriesRequest__Output {
  'fromSequence': (number);
  'toSequence': (number);
  'subjectId': (string);
  'changeId': (string);
  'deliveryId': (string);
  'from': (_google_protobuf_Timestamp__Output | null);
  'to': (_google_protobuf_Timestamp__Output | null);
  'kinds': (string)[];
}
