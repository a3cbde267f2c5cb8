import type { PlannedIdentifier as _heed_preferences_v1_PlannedIdentifier, PlannedIdentifier__Output as _heed_preferences_v1_PlannedIdentifier__Output } from '../../../heed/preferences/v1/PlannedIdentifier.ts';
import type { DutySteps as _heed_preferences_v1_DutySteps, DutySteps__Output as _heed_preferences_v1_DutySteps__Output } from '../../../heed/preferences/v1/DutySteps.ts';

export interface PolicyRecipient {
  'id'?: (string);
  'title'?: (string);
  'clause'?: (string);
  'role'?: (string);
  'purposes'?: (string)[];
  'grants'?: (_heed_preferences_v1_PlannedIdentifier)[];
  'fulfilledBy'?: (string);
  'connector'?: (string);
  'ownerRole'?: (string);
  'steps'?: (_heed_preferences_v1_DutySteps | null);
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
  'ownerRole': (string);
  'steps': (_heed_preferences_v1_DutySteps__Output | null);
}
