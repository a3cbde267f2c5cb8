import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { Long } from '@grpc/proto-loader';

export interface ExportEvidenceRequest {
  'changeId'?: (string);
  'deliveryId'?: (string);
  'subjectId'?: (string);
  'from'?: (_google_protobuf_Timestamp | null);
  'to'?: (_google_protobuf_Timestamp | null);
  'againstSizes'?: (number | string | Long)[];
}

export interface ExportEvidenceRequest__Output {
  'changeId': (string);
  'deliveryId': (string);
  'subjectId': (string);
  'from': (_google_protobuf_Timestamp__Output | null);
  'to': (_google_protobuf_Timestamp__Output | null);
  'againstSizes': (number)[];
}
