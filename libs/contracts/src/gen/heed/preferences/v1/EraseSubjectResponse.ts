import type { ErasureStatus as _heed_preferences_v1_ErasureStatus, ErasureStatus__Output as _heed_preferences_v1_ErasureStatus__Output } from '../../../heed/preferences/v1/ErasureStatus.ts';

export interface EraseSubjectResponse {
  'status'?: (_heed_preferences_v1_ErasureStatus | null);
}

export interface EraseSubjectResponse__Output {
  'status': (_heed_preferences_v1_ErasureStatus__Output | null);
}
