import type { CheckPermissionResponse as _heed_preferences_v1_CheckPermissionResponse, CheckPermissionResponse__Output as _heed_preferences_v1_CheckPermissionResponse__Output } from '../../../heed/preferences/v1/CheckPermissionResponse.ts';

export interface BatchCheckPermissionResponse {
  'results'?: (_heed_preferences_v1_CheckPermissionResponse)[];
}

export interface BatchCheckPermissionResponse__Output {
  'results': (_heed_preferences_v1_CheckPermissionResponse__Output)[];
}
