import type { PolicyPurpose as _heed_preferences_v1_PolicyPurpose, PolicyPurpose__Output as _heed_preferences_v1_PolicyPurpose__Output } from '../../../heed/preferences/v1/PolicyPurpose.ts';
import type { PolicyRecipient as _heed_preferences_v1_PolicyRecipient, PolicyRecipient__Output as _heed_preferences_v1_PolicyRecipient__Output } from '../../../heed/preferences/v1/PolicyRecipient.ts';

export interface GetPolicyResponse {
  'id'?: (string);
  'version'?: (string);
  'title'?: (string);
  'purposes'?: (_heed_preferences_v1_PolicyPurpose)[];
  'recipients'?: (_heed_preferences_v1_PolicyRecipient)[];
}

export interface GetPolicyResponse__Output {
  'id': (string);
  'version': (string);
  'title': (string);
  'purposes': (_heed_preferences_v1_PolicyPurpose__Output)[];
  'recipients': (_heed_preferences_v1_PolicyRecipient__Output)[];
}
