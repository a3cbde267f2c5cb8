import type { FieldViolation as _heed_preferences_v1_FieldViolation, FieldViolation__Output as _heed_preferences_v1_FieldViolation__Output } from '../../../heed/preferences/v1/FieldViolation.ts';

export interface RefusedItem {
  'code'?: (number);
  'reason'?: (string);
  'message'?: (string);
  'violations'?: (_heed_preferences_v1_FieldViolation)[];
}

export interface RefusedItem__Output {
  'code': (number);
  'reason': (string);
  'message': (string);
  'violations': (_heed_preferences_v1_FieldViolation__Output)[];
}
