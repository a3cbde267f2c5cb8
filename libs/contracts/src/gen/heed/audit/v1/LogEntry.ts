import type { Disclosure as _heed_audit_v1_Disclosure, Disclosure__Output as _heed_audit_v1_Disclosure__Output } from '../../../heed/audit/v1/Disclosure.ts';
import type { Long } from '@grpc/proto-loader';

export interface LogEntry {
  'sequence'?: (number | string | Long);
  'leaf'?: (string);
  'disclosure'?: (_heed_audit_v1_Disclosure | null);
}

export interface LogEntry__Output {
  'sequence': (number);
  'leaf': (string);
  'disclosure': (_heed_audit_v1_Disclosure__Output | null);
}
