import type { Checkpoint as _heed_audit_v1_Checkpoint, Checkpoint__Output as _heed_audit_v1_Checkpoint__Output } from '../../../heed/audit/v1/Checkpoint.ts';
import type { Long } from '@grpc/proto-loader';

export interface ProveConsistencyResponse {
  'hashes'?: (Buffer | Uint8Array | string)[];
  'newSize'?: (number | string | Long);
  'checkpoint'?: (_heed_audit_v1_Checkpoint | null);
}

export interface ProveConsistencyResponse__Output {
  'hashes': (Buffer)[];
  'newSize': (number);
  'checkpoint': (_heed_audit_v1_Checkpoint__Output | null);
}
