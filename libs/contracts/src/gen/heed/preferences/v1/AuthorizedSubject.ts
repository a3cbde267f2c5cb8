import type { PermissionReason as _heed_preferences_v1_PermissionReason, PermissionReason__Output as _heed_preferences_v1_PermissionReason__Output } from '../../../heed/preferences/v1/PermissionReason.ts';

export interface AuthorizedSubject {
  'allowed'?: (boolean);
  'reason'?: (_heed_preferences_v1_PermissionReason);
  'subjectId'?: (string);
}

export interface AuthorizedSubject__Output {
  'allowed': (boolean);
  'reason': (_heed_preferences_v1_PermissionReason__Output);
  'subjectId': (string);
}
