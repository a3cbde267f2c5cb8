import type { ResolvedSubject as _heed_identifiers_v1_ResolvedSubject, ResolvedSubject__Output as _heed_identifiers_v1_ResolvedSubject__Output } from '../../../heed/identifiers/v1/ResolvedSubject.ts';

export interface ResolveIdentifiersResponse {
  'subjects'?: (_heed_identifiers_v1_ResolvedSubject)[];
}

export interface ResolveIdentifiersResponse__Output {
  'subjects': (_heed_identifiers_v1_ResolvedSubject__Output)[];
}
