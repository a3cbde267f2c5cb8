import type { SubjectRef as _heed_common_v1_SubjectRef, SubjectRef__Output as _heed_common_v1_SubjectRef__Output } from '../../../heed/common/v1/SubjectRef.ts';
import type { PurposeChoice as _heed_common_v1_PurposeChoice, PurposeChoice__Output as _heed_common_v1_PurposeChoice__Output } from '../../../heed/common/v1/PurposeChoice.ts';
import type { Evidence as _heed_common_v1_Evidence, Evidence__Output as _heed_common_v1_Evidence__Output } from '../../../heed/common/v1/Evidence.ts';
import type { OriginKind as _heed_common_v1_OriginKind, OriginKind__Output as _heed_common_v1_OriginKind__Output } from '../../../heed/common/v1/OriginKind.ts';

export interface PlanChangeRequest {
  'subject'?: (_heed_common_v1_SubjectRef | null);
  'choices'?: (_heed_common_v1_PurposeChoice)[];
  'evidence'?: (_heed_common_v1_Evidence | null);
  'origin'?: (_heed_common_v1_OriginKind);
}

export interface PlanChangeRequest__Output {
  'subject': (_heed_common_v1_SubjectRef__Output | null);
  'choices': (_heed_common_v1_PurposeChoice__Output)[];
  'evidence': (_heed_common_v1_Evidence__Output | null);
  'origin': (_heed_common_v1_OriginKind__Output);
}
