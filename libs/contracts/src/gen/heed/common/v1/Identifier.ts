import type { IdentifierKind as _heed_common_v1_IdentifierKind, IdentifierKind__Output as _heed_common_v1_IdentifierKind__Output } from '../../../heed/common/v1/IdentifierKind.ts';

export interface Identifier {
  'kind'?: (_heed_common_v1_IdentifierKind);
  'value'?: (string);
}

export interface Identifier__Output {
  'kind': (_heed_common_v1_IdentifierKind__Output);
  'value': (string);
}
