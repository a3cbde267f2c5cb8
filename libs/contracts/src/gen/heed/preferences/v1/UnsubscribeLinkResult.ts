import type { LinkUse as _heed_preferences_v1_LinkUse, LinkUse__Output as _heed_preferences_v1_LinkUse__Output } from '../../../heed/preferences/v1/LinkUse.ts';

export interface UnsubscribeLinkResult {
  'result'?: (_heed_preferences_v1_LinkUse);
  'changeId'?: (string);
}

export interface UnsubscribeLinkResult__Output {
  'result': (_heed_preferences_v1_LinkUse__Output);
  'changeId': (string);
}
