import type { PurposeChoice as _heed_common_v1_PurposeChoice, PurposeChoice__Output as _heed_common_v1_PurposeChoice__Output } from '../../../heed/common/v1/PurposeChoice.ts';
import type { PlannedIdentifier as _heed_preferences_v1_PlannedIdentifier, PlannedIdentifier__Output as _heed_preferences_v1_PlannedIdentifier__Output } from '../../../heed/preferences/v1/PlannedIdentifier.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';

export interface PlannedDelivery {
  'recipientId'?: (string);
  'title'?: (string);
  'wanted'?: (_heed_common_v1_PurposeChoice)[];
  'identifiers'?: (_heed_preferences_v1_PlannedIdentifier)[];
  'deadlineAt'?: (_google_protobuf_Timestamp | null);
  'fulfilledBy'?: (string);
  'clause'?: (string);
}

export interface PlannedDelivery__Output {
  'recipientId': (string);
  'title': (string);
  'wanted': (_heed_common_v1_PurposeChoice__Output)[];
  'identifiers': (_heed_preferences_v1_PlannedIdentifier__Output)[];
  'deadlineAt': (_google_protobuf_Timestamp__Output | null);
  'fulfilledBy': (string);
  'clause': (string);
}
