import type { ResolvedSubject as _heed_identifiers_v1_ResolvedSubject, ResolvedSubject__Output as _heed_identifiers_v1_ResolvedSubject__Output } from '../../../heed/identifiers/v1/ResolvedSubject.ts';

export interface HandOverIdentifiersResponse {
  'subject'?: (_heed_identifiers_v1_ResolvedSubject | null);
}

export interface HandOverIdentifiersResponse__Output {
  'subject': (_heed_identifiers_v1_ResolvedSubject__Output | null);
}
