import type { Identifier as _heed_common_v1_Identifier, Identifier__Output as _heed_common_v1_Identifier__Output } from '../../../heed/common/v1/Identifier.ts';

export interface ImportSuppressionsRequest {
  'requestId'?: (string);
  'reference'?: (string);
  'identifiers'?: (_heed_common_v1_Identifier)[];
}

export interface ImportSuppressionsRequest__Output {
  'requestId': (string);
  'reference': (string);
  'identifiers': (_heed_common_v1_Identifier__Output)[];
}
