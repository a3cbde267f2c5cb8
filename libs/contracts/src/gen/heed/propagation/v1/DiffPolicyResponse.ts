import type { PolicyName as _heed_propagation_v1_PolicyName, PolicyName__Output as _heed_propagation_v1_PolicyName__Output } from '../../../heed/propagation/v1/PolicyName.ts';
import type { EntryDifference as _heed_propagation_v1_EntryDifference, EntryDifference__Output as _heed_propagation_v1_EntryDifference__Output } from '../../../heed/propagation/v1/EntryDifference.ts';
import type { Long } from '@grpc/proto-loader';

export interface DiffPolicyResponse {
  'before'?: (_heed_propagation_v1_PolicyName | null);
  'after'?: (_heed_propagation_v1_PolicyName | null);
  'purposes'?: (_heed_propagation_v1_EntryDifference)[];
  'recipients'?: (_heed_propagation_v1_EntryDifference)[];
  'scanned'?: (number | string | Long);
  'total'?: (number | string | Long);
  'done'?: (boolean);
}

export interface DiffPolicyResponse__Output {
  'before': (_heed_propagation_v1_PolicyName__Output | null);
  'after': (_heed_propagation_v1_PolicyName__Output | null);
  'purposes': (_heed_propagation_v1_EntryDifference__Output)[];
  'recipients': (_heed_propagation_v1_EntryDifference__Output)[];
  'scanned': (number);
  'total': (number);
  'done': (boolean);
}
