import type { BackfillProgress as _heed_propagation_v1_BackfillProgress, BackfillProgress__Output as _heed_propagation_v1_BackfillProgress__Output } from '../../../heed/propagation/v1/BackfillProgress.ts';

export interface ListBackfillsResponse {
  'backfills'?: (_heed_propagation_v1_BackfillProgress)[];
}

export interface ListBackfillsResponse__Output {
  'backfills': (_heed_propagation_v1_BackfillProgress__Output)[];
}
