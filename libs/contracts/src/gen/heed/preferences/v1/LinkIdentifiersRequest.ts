import type { SubjectRef as _heed_common_v1_SubjectRef, SubjectRef__Output as _heed_common_v1_SubjectRef__Output } from '../../../heed/common/v1/SubjectRef.ts';
import type { Identifier as _heed_common_v1_Identifier, Identifier__Output as _heed_common_v1_Identifier__Output } from '../../../heed/common/v1/Identifier.ts';
import type { OriginKind as _heed_common_v1_OriginKind, OriginKind__Output as _heed_common_v1_OriginKind__Output } from '../../../heed/common/v1/OriginKind.ts';

export interface LinkIdentifiersRequest {
  'requestId'?: (string);
  'subject'?: (_heed_common_v1_SubjectRef | null);
  'identifiers'?: (_heed_common_v1_Identifier)[];
  'origin'?: (_heed_common_v1_OriginKind);
  'originReference'?: (string);
}

export interface LinkIdentifiersRequest__Output {
  'requestId': (string);
  'subject': (_heed_common_v1_SubjectRef__Output | null);
  'identifiers': (_heed_common_v1_Identifier__Output)[];
  'origin': (_heed_common_v1_OriginKind__Output);
  'originReference': (string);
}
