import type { BackfillState as _heed_propagation_v1_BackfillState, BackfillState__Output as _heed_propagation_v1_BackfillState__Output } from '../../../heed/propagation/v1/BackfillState.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { Long } from '@grpc/proto-loader';

export interface BackfillProgress {
  'backfillId'?: (string);
  'recipientId'?: (string);
  'state'?: (_heed_propagation_v1_BackfillState);
  'scanned'?: (number | string | Long);
  'published'?: (number | string | Long);
  'total'?: (number | string | Long);
  'startedAt'?: (_google_protobuf_Timestamp | null);
  'endedAt'?: (_google_protobuf_Timestamp | null);
}

export interface BackfillProgress__Output {
  'backfillId': (string);
  'recipientId': (string);
  'state': (_heed_propagation_v1_BackfillState__Output);
  'scanned': (number);
  'published': (number);
  'total': (number);
  'startedAt': (_google_protobuf_Timestamp__Output | null);
  'endedAt': (_google_protobuf_Timestamp__Output | null);
}
