import type { UnsubscribeLinkResult as _heed_preferences_v1_UnsubscribeLinkResult, UnsubscribeLinkResult__Output as _heed_preferences_v1_UnsubscribeLinkResult__Output } from '../../../heed/preferences/v1/UnsubscribeLinkResult.ts';

export interface UseUnsubscribeLinksResponse {
  'results'?: (_heed_preferences_v1_UnsubscribeLinkResult)[];
}

export interface UseUnsubscribeLinksResponse__Output {
  'results': (_heed_preferences_v1_UnsubscribeLinkResult__Output)[];
}
