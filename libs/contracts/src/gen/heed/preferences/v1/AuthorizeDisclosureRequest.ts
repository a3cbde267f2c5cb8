import type { DisclosedForm as _heed_preferences_v1_DisclosedForm, DisclosedForm__Output as _heed_preferences_v1_DisclosedForm__Output } from '../../../heed/preferences/v1/DisclosedForm.ts';
import type { SubjectRef as _heed_common_v1_SubjectRef, SubjectRef__Output as _heed_common_v1_SubjectRef__Output } from '../../../heed/common/v1/SubjectRef.ts';

export interface AuthorizeDisclosureRequest {
  'requestId'?: (string);
  'recipientId'?: (string);
  'purpose'?: (string);
  'identifiers'?: (_heed_preferences_v1_DisclosedForm)[];
  'subjects'?: (_heed_common_v1_SubjectRef)[];
  'reference'?: (string);
}

export interface AuthorizeDisclosureRequest__Output {
  'requestId': (string);
  'recipientId': (string);
  'purpose': (string);
  'identifiers': (_heed_preferences_v1_DisclosedForm__Output)[];
  'subjects': (_heed_common_v1_SubjectRef__Output)[];
  'reference': (string);
}
