import type { ChosenPreference as _heed_preferences_v1_ChosenPreference, ChosenPreference__Output as _heed_preferences_v1_ChosenPreference__Output } from '../../../heed/preferences/v1/ChosenPreference.ts';
import type { PurposeChoice as _heed_common_v1_PurposeChoice, PurposeChoice__Output as _heed_common_v1_PurposeChoice__Output } from '../../../heed/common/v1/PurposeChoice.ts';
import type { IdentifierKind as _heed_common_v1_IdentifierKind, IdentifierKind__Output as _heed_common_v1_IdentifierKind__Output } from '../../../heed/common/v1/IdentifierKind.ts';
import type { Long } from '@grpc/proto-loader';

export interface GetPreferencesResponse {
  'subjectId'?: (string);
  'version'?: (number | string | Long);
  'chosen'?: (_heed_preferences_v1_ChosenPreference)[];
  'effective'?: (_heed_common_v1_PurposeChoice)[];
  'identifierKinds'?: (_heed_common_v1_IdentifierKind)[];
  'mergedFromSubjectId'?: (string);
}

export interface GetPreferencesResponse__Output {
  'subjectId': (string);
  'version': (number);
  'chosen': (_heed_preferences_v1_ChosenPreference__Output)[];
  'effective': (_heed_common_v1_PurposeChoice__Output)[];
  'identifierKinds': (_heed_common_v1_IdentifierKind__Output)[];
  'mergedFromSubjectId': (string);
}
