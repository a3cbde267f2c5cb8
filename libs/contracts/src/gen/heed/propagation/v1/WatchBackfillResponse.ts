import type { BackfillProgress as _heed_propagation_v1_BackfillProgress, BackfillProgress__Output as _heed_propagation_v1_BackfillProgress__Output } from '../../../heed/propagation/v1/BackfillProgress.ts';

export interface WatchBackfillResponse {
  'backfill'?: (_heed_propagation_v1_BackfillProgress | null);
}

export interface WatchBackfillResponse__Output {
  'backfill': (_heed_propagation_v1_BackfillProgress__Output | null);
}
