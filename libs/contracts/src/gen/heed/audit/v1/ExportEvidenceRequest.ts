import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';

export interface ExportEvidenceRequest {
  'changeId'?: (string);
  'deliveryId'?: (string);
  'subjectId'?: (string);
  'from'?: (_google_protobuf_Timestamp | null);
  'to'?: (_google_protobuf_Timestamp | null);
}

export interface ExportEvidenceRequest__Output {
  'changeId': (string);
  'deliveryId': (string);
  'subjectId': (string);
  'from': (_google_protobuf_Timestamp__Output | null);
  'to': (_google_protobuf_Timestamp__Output | null);
}
