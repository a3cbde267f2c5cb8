import type { ResolveItem as _heed_identifiers_v1_ResolveItem, ResolveItem__Output as _heed_identifiers_v1_ResolveItem__Output } from '../../../heed/identifiers/v1/ResolveItem.ts';

export interface ResolveIdentifiersRequest {
  'recipientId'?: (string);
  'items'?: (_heed_identifiers_v1_ResolveItem)[];
  'withoutValues'?: (boolean);
}

export interface ResolveIdentifiersRequest__Output {
  'recipientId': (string);
  'items': (_heed_identifiers_v1_ResolveItem__Output)[];
  'withoutValues': (boolean);
}
