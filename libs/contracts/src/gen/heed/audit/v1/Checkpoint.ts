import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { Long } from '@grpc/proto-loader';

export interface Checkpoint {
  'note'?: (string);
  'origin'?: (string);
  'size'?: (number | string | Long);
  'rootHash'?: (Buffer | Uint8Array | string);
  'signedAt'?: (_google_protobuf_Timestamp | null);
}

export interface Checkpoint__Output {
  'note': (string);
  'origin': (string);
  'size': (number);
  'rootHash': (Buffer);
  'signedAt': (_google_protobuf_Timestamp__Output | null);
}
