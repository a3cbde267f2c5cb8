import type { SubjectRef as _heed_common_v1_SubjectRef, SubjectRef__Output as _heed_common_v1_SubjectRef__Output } from '../../../heed/common/v1/SubjectRef.ts';

export interface CheckPermissionRequest {
  'subject'?: (_heed_common_v1_SubjectRef | null);
  'recipientId'?: (string);
  'purpose'?: (string);
}

export interface CheckPermissionRequest__Output {
  'subject': (_heed_common_v1_SubjectRef__Output | null);
  'recipientId': (string);
  'purpose': (string);
}
