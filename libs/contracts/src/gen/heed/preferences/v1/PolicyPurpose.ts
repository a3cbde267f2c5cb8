import type { Choice as _heed_common_v1_Choice, Choice__Output as _heed_common_v1_Choice__Output } from '../../../heed/common/v1/Choice.ts';
import type { PolicyTopic as _heed_preferences_v1_PolicyTopic, PolicyTopic__Output as _heed_preferences_v1_PolicyTopic__Output } from '../../../heed/preferences/v1/PolicyTopic.ts';

export interface PolicyPurpose {
  'key'?: (string);
  'title'?: (string);
  'clause'?: (string);
  'refusable'?: (boolean);
  'defaultChoice'?: (_heed_common_v1_Choice);
  'topics'?: (_heed_preferences_v1_PolicyTopic)[];
}

export interface PolicyPurpose__Output {
  'key': (string);
  'title': (string);
  'clause': (string);
  'refusable': (boolean);
  'defaultChoice': (_heed_common_v1_Choice__Output);
  'topics': (_heed_preferences_v1_PolicyTopic__Output)[];
}
