import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { DisclosedTo as _heed_audit_v1_DisclosedTo, DisclosedTo__Output as _heed_audit_v1_DisclosedTo__Output } from '../../../heed/audit/v1/DisclosedTo.ts';

export interface DisclosureReportResponse {
  'subjectId'?: (string);
  'mergedSubjectIds'?: (string)[];
  'generatedAt'?: (_google_protobuf_Timestamp | null);
  'recipients'?: (_heed_audit_v1_DisclosedTo)[];
  'notDisclosedRecipientIds'?: (string)[];
  'countedYear'?: (number);
  'ordinal'?: (number);
  'firstGivenAt'?: (_google_protobuf_Timestamp | null);
  'preview'?: (boolean);
}

export interface DisclosureReportResponse__Output {
  'subjectId': (string);
  'mergedSubjectIds': (string)[];
  'generatedAt': (_google_protobuf_Timestamp__Output | null);
  'recipients': (_heed_audit_v1_DisclosedTo__Output)[];
  'notDisclosedRecipientIds': (string)[];
  'countedYear': (number);
  'ordinal': (number);
  'firstGivenAt': (_google_protobuf_Timestamp__Output | null);
  'preview': (boolean);
}
