import type { PlannedIdentifier as _heed_preferences_v1_PlannedIdentifier, PlannedIdentifier__Output as _heed_preferences_v1_PlannedIdentifier__Output } from '../../../heed/preferences/v1/PlannedIdentifier.ts';

export interface PolicyRecipient {
  'id'?: (string);
  'title'?: (string);
  'clause'?: (string);
  'role'?: (string);
  'purposes'?: (string)[];
  'grants'?: (_heed_preferences_v1_PlannedIdentifier)[];
  'fulfilledBy'?: (string);
  'connector'?: (string);
}

export interface PolicyRecipient__Output {
  'id': (string);
  'title': (string);
  'clause': (string);
  'role': (string);
  'purposes': (string)[];
  'grants': (_heed_preferences_v1_PlannedIdentifier__Output)[];
  'fulfilledBy': (string);
  'connector': (string);
}
