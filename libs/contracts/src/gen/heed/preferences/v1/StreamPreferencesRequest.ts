import type { SetPreferencesRequest as _heed_preferences_v1_SetPreferencesRequest, SetPreferencesRequest__Output as _heed_preferences_v1_SetPreferencesRequest__Output } from '../../../heed/preferences/v1/SetPreferencesRequest.ts';

export interface StreamPreferencesRequest {
  'item'?: (_heed_preferences_v1_SetPreferencesRequest | null);
}

export interface StreamPreferencesRequest__Output {
  'item': (_heed_preferences_v1_SetPreferencesRequest__Output | null);
}
