import type { IdentifierKind as _heed_common_v1_IdentifierKind, IdentifierKind__Output as _heed_common_v1_IdentifierKind__Output } from '../../../heed/common/v1/IdentifierKind.ts';

export interface ErasedIdentifiers {
  'kind'?: (_heed_common_v1_IdentifierKind);
  'count'?: (number);
}

export interface ErasedIdentifiers__Output {
  'kind': (_heed_common_v1_IdentifierKind__Output);
  'count': (number);
}
