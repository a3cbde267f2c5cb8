import type { RefusedSuppression as _heed_preferences_v1_RefusedSuppression, RefusedSuppression__Output as _heed_preferences_v1_RefusedSuppression__Output } from '../../../heed/preferences/v1/RefusedSuppression.ts';
import type { Long } from '@grpc/proto-loader';

export interface ImportSuppressionsResponse {
  'suppressed'?: (number | string | Long);
  'known'?: (number | string | Long);
  'denied'?: (number | string | Long);
  'unchanged'?: (number | string | Long);
  'refused'?: (number | string | Long);
  'refusals'?: (_heed_preferences_v1_RefusedSuppression)[];
}

export interface ImportSuppressionsResponse__Output {
  'suppressed': (number);
  'known': (number);
  'denied': (number);
  'unchanged': (number);
  'refused': (number);
  'refusals': (_heed_preferences_v1_RefusedSuppression__Output)[];
}
