import type { Identifier as _heed_common_v1_Identifier, Identifier__Output as _heed_common_v1_Identifier__Output } from '../../../heed/common/v1/Identifier.ts';

export interface SubjectRef {
  'subjectId'?: (string);
  'identifier'?: (_heed_common_v1_Identifier | null);
  'ref'?: "subjectId"|"identifier";
}

export interface SubjectRef__Output {
  'subjectId'?: (string);
  'identifier'?: (_heed_common_v1_Identifier__Output | null);
  'ref'?: "subjectId"|"identifier";
}
