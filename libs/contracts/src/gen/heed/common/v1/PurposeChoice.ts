import type { Choice as _heed_common_v1_Choice, Choice__Output as _heed_common_v1_Choice__Output } from '../../../heed/common/v1/Choice.ts';

export interface PurposeChoice {
  'purpose'?: (string);
  'choice'?: (_heed_common_v1_Choice);
}

export interface PurposeChoice__Output {
  'purpose': (string);
  'choice': (_heed_common_v1_Choice__Output);
}
