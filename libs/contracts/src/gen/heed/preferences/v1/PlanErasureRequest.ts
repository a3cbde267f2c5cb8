import type { SubjectRef as _heed_common_v1_SubjectRef, SubjectRef__Output as _heed_common_v1_SubjectRef__Output } from '../../../heed/common/v1/SubjectRef.ts';

export interface PlanErasureRequest {
  'subject'?: (_heed_common_v1_SubjectRef | null);
}

export interface PlanErasureRequest__Output {
  'subject': (_heed_common_v1_SubjectRef__Output | null);
}
