import type { ErasureStatus as _heed_preferences_v1_ErasureStatus, ErasureStatus__Output as _heed_preferences_v1_ErasureStatus__Output } from '../../../heed/preferences/v1/ErasureStatus.ts';

export interface ListErasuresResponse {
  'erasures'?: (_heed_preferences_v1_ErasureStatus)[];
  'nextPageToken'?: (string);
}

export interface ListErasuresResponse__Output {
  'erasures': (_heed_preferences_v1_ErasureStatus__Output)[];
  'nextPageToken': (string);
}
