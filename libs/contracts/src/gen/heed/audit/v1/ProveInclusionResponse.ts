import type { InclusionProof as _heed_audit_v1_InclusionProof, InclusionProof__Output as _heed_audit_v1_InclusionProof__Output } from '../../../heed/audit/v1/InclusionProof.ts';
import type { Checkpoint as _heed_audit_v1_Checkpoint, Checkpoint__Output as _heed_audit_v1_Checkpoint__Output } from '../../../heed/audit/v1/Checkpoint.ts';
import type { Long } from '@grpc/proto-loader';

export interface ProveInclusionResponse {
  'proofs'?: (_heed_audit_v1_InclusionProof)[];
  'treeSize'?: (number | string | Long);
  'checkpoint'?: (_heed_audit_v1_Checkpoint | null);
}

export interface ProveInclusionResponse__Output {
  'proofs': (_heed_audit_v1_InclusionProof__Output)[];
  'treeSize': (number);
  'checkpoint': (_heed_audit_v1_Checkpoint__Output | null);
}
