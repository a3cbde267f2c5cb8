import type { PermissionReason as _heed_preferences_v1_PermissionReason, PermissionReason__Output as _heed_preferences_v1_PermissionReason__Output } from '../../../heed/preferences/v1/PermissionReason.ts';
import type { Long } from '@grpc/proto-loader';

export interface CheckPermissionResponse {
  'allowed'?: (boolean);
  'reason'?: (_heed_preferences_v1_PermissionReason);
  'deniedPurposes'?: (string)[];
  'version'?: (number | string | Long);
}

export interface CheckPermissionResponse__Output {
  'allowed': (boolean);
  'reason': (_heed_preferences_v1_PermissionReason__Output);
  'deniedPurposes': (string)[];
  'version': (number);
}
