import type { LogEntry as _heed_audit_v1_LogEntry, LogEntry__Output as _heed_audit_v1_LogEntry__Output } from '../../../heed/audit/v1/LogEntry.ts';
import type { Long } from '@grpc/proto-loader';

export interface ListEntriesResponse {
  'entries'?: (_heed_audit_v1_LogEntry)[];
  'nextSequence'?: (number | string | Long);
  'treeSize'?: (number | string | Long);
}

export interface ListEntriesResponse__Output {
  'entries': (_heed_audit_v1_LogEntry__Output)[];
  'nextSequence': (number);
  'treeSize': (number);
}
