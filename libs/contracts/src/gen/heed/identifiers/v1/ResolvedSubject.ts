import type { SubjectStanding as _heed_identifiers_v1_SubjectStanding, SubjectStanding__Output as _heed_identifiers_v1_SubjectStanding__Output } from '../../../heed/identifiers/v1/SubjectStanding.ts';
import type { ResolvedIdentifier as _heed_identifiers_v1_ResolvedIdentifier, ResolvedIdentifier__Output as _heed_identifiers_v1_ResolvedIdentifier__Output } from '../../../heed/identifiers/v1/ResolvedIdentifier.ts';
import type { Long } from '@grpc/proto-loader';

export interface ResolvedSubject {
  'subjectId'?: (string);
  'standing'?: (_heed_identifiers_v1_SubjectStanding);
  'identifiers'?: (_heed_identifiers_v1_ResolvedIdentifier)[];
  'newestVersion'?: (number | string | Long);
}

export interface ResolvedSubject__Output {
  'subjectId': (string);
  'standing': (_heed_identifiers_v1_SubjectStanding__Output);
  'identifiers': (_heed_identifiers_v1_ResolvedIdentifier__Output)[];
  'newestVersion': (number);
}
