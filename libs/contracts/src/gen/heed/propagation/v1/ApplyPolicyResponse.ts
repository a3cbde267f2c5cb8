import type { PolicyName as _heed_propagation_v1_PolicyName, PolicyName__Output as _heed_propagation_v1_PolicyName__Output } from '../../../heed/propagation/v1/PolicyName.ts';
import type { BackfillProgress as _heed_propagation_v1_BackfillProgress, BackfillProgress__Output as _heed_propagation_v1_BackfillProgress__Output } from '../../../heed/propagation/v1/BackfillProgress.ts';

export interface ApplyPolicyResponse {
  'before'?: (_heed_propagation_v1_PolicyName | null);
  'after'?: (_heed_propagation_v1_PolicyName | null);
  'backfills'?: (_heed_propagation_v1_BackfillProgress)[];
}

export interface ApplyPolicyResponse__Output {
  'before': (_heed_propagation_v1_PolicyName__Output | null);
  'after': (_heed_propagation_v1_PolicyName__Output | null);
  'backfills': (_heed_propagation_v1_BackfillProgress__Output)[];
}
