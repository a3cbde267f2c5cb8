import type { UnsubscribeLink as _heed_preferences_v1_UnsubscribeLink, UnsubscribeLink__Output as _heed_preferences_v1_UnsubscribeLink__Output } from '../../../heed/preferences/v1/UnsubscribeLink.ts';

export interface CreateUnsubscribeLinksResponse {
  'links'?: (_heed_preferences_v1_UnsubscribeLink)[];
}

export interface CreateUnsubscribeLinksResponse__Output {
  'links': (_heed_preferences_v1_UnsubscribeLink__Output)[];
}
