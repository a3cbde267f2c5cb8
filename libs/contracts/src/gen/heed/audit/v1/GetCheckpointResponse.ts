import type { Checkpoint as _heed_audit_v1_Checkpoint, Checkpoint__Output as _heed_audit_v1_Checkpoint__Output } from '../../../heed/audit/v1/Checkpoint.ts';

export interface GetCheckpointResponse {
  'checkpoint'?: (_heed_audit_v1_Checkpoint | null);
  'verifierKeys'?: (string)[];
  'witnessKeys'?: (string)[];
}

export interface GetCheckpointResponse__Output {
  'checkpoint': (_heed_audit_v1_Checkpoint__Output | null);
  'verifierKeys': (string)[];
  'witnessKeys': (string)[];
}
