import type { SubjectRef as _heed_common_v1_SubjectRef, SubjectRef__Output as _heed_common_v1_SubjectRef__Output } from '../../../heed/common/v1/SubjectRef.ts';

export interface MarkKnownChildRequest {
  'requestId'?: (string);
  'subject'?: (_heed_common_v1_SubjectRef | null);
  'reference'?: (string);
}

export interface MarkKnownChildRequest__Output {
  'requestId': (string);
  'subject': (_heed_common_v1_SubjectRef__Output | null);
  'reference': (string);
}
