import type { AuthorizedSubject as _heed_preferences_v1_AuthorizedSubject, AuthorizedSubject__Output as _heed_preferences_v1_AuthorizedSubject__Output } from '../../../heed/preferences/v1/AuthorizedSubject.ts';

export interface AuthorizeDisclosureResponse {
  'results'?: (_heed_preferences_v1_AuthorizedSubject)[];
  'allowed'?: (number);
  'denied'?: (number);
}

export interface AuthorizeDisclosureResponse__Output {
  'results': (_heed_preferences_v1_AuthorizedSubject__Output)[];
  'allowed': (number);
  'denied': (number);
}
