import type { IdentifierKind as _heed_common_v1_IdentifierKind, IdentifierKind__Output as _heed_common_v1_IdentifierKind__Output } from '../../../heed/common/v1/IdentifierKind.ts';

export interface DisclosedForm {
  'kind'?: (_heed_common_v1_IdentifierKind);
  'form'?: (string);
}

export interface DisclosedForm__Output {
  'kind': (_heed_common_v1_IdentifierKind__Output);
  'form': (string);
}
