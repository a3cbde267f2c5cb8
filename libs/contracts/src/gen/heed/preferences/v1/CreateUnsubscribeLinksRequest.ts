import type { SubjectRef as _heed_common_v1_SubjectRef, SubjectRef__Output as _heed_common_v1_SubjectRef__Output } from '../../../heed/common/v1/SubjectRef.ts';

export interface CreateUnsubscribeLinksRequest {
  'purpose'?: (string);
  'subjects'?: (_heed_common_v1_SubjectRef)[];
}

export interface CreateUnsubscribeLinksRequest__Output {
  'purpose': (string);
  'subjects': (_heed_common_v1_SubjectRef__Output)[];
}
