import type { SetPreferencesResponse as _heed_preferences_v1_SetPreferencesResponse, SetPreferencesResponse__Output as _heed_preferences_v1_SetPreferencesResponse__Output } from '../../../heed/preferences/v1/SetPreferencesResponse.ts';
import type { RefusedItem as _heed_preferences_v1_RefusedItem, RefusedItem__Output as _heed_preferences_v1_RefusedItem__Output } from '../../../heed/preferences/v1/RefusedItem.ts';

export interface StreamPreferencesResponse {
  'requestId'?: (string);
  'accepted'?: (_heed_preferences_v1_SetPreferencesResponse | null);
  'refused'?: (_heed_preferences_v1_RefusedItem | null);
  'result'?: "accepted"|"refused";
}

export interface StreamPreferencesResponse__Output {
  'requestId': (string);
  'accepted'?: (_heed_preferences_v1_SetPreferencesResponse__Output | null);
  'refused'?: (_heed_preferences_v1_RefusedItem__Output | null);
  'result'?: "accepted"|"refused";
}
