import type { UnsubscribeLinkUse as _heed_preferences_v1_UnsubscribeLinkUse, UnsubscribeLinkUse__Output as _heed_preferences_v1_UnsubscribeLinkUse__Output } from '../../../heed/preferences/v1/UnsubscribeLinkUse.ts';

export interface UseUnsubscribeLinksRequest {
  'uses'?: (_heed_preferences_v1_UnsubscribeLinkUse)[];
}

export interface UseUnsubscribeLinksRequest__Output {
  'uses': (_heed_preferences_v1_UnsubscribeLinkUse__Output)[];
}
