import type { ErasedIdentifiers as _heed_preferences_v1_ErasedIdentifiers, ErasedIdentifiers__Output as _heed_preferences_v1_ErasedIdentifiers__Output } from '../../../heed/preferences/v1/ErasedIdentifiers.ts';
import type { PlannedDelivery as _heed_preferences_v1_PlannedDelivery, PlannedDelivery__Output as _heed_preferences_v1_PlannedDelivery__Output } from '../../../heed/preferences/v1/PlannedDelivery.ts';
import type { NotErased as _heed_preferences_v1_NotErased, NotErased__Output as _heed_preferences_v1_NotErased__Output } from '../../../heed/preferences/v1/NotErased.ts';
import type { KeptAfterErasure as _heed_preferences_v1_KeptAfterErasure, KeptAfterErasure__Output as _heed_preferences_v1_KeptAfterErasure__Output } from '../../../heed/preferences/v1/KeptAfterErasure.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';
import type { ErasureStatus as _heed_preferences_v1_ErasureStatus, ErasureStatus__Output as _heed_preferences_v1_ErasureStatus__Output } from '../../../heed/preferences/v1/ErasureStatus.ts';

export interface PlanErasureResponse {
  'subjectId'?: (string);
  'mergedSubjectIds'?: (string)[];
  'identifiers'?: (_heed_preferences_v1_ErasedIdentifiers)[];
  'denials'?: (_heed_preferences_v1_PlannedDelivery)[];
  'erasures'?: (_heed_preferences_v1_PlannedDelivery)[];
  'notErased'?: (_heed_preferences_v1_NotErased)[];
  'kept'?: (_heed_preferences_v1_KeptAfterErasure)[];
  'latestAt'?: (_google_protobuf_Timestamp | null);
  'status'?: (_heed_preferences_v1_ErasureStatus | null);
}

export interface PlanErasureResponse__Output {
  'subjectId': (string);
  'mergedSubjectIds': (string)[];
  'identifiers': (_heed_preferences_v1_ErasedIdentifiers__Output)[];
  'denials': (_heed_preferences_v1_PlannedDelivery__Output)[];
  'erasures': (_heed_preferences_v1_PlannedDelivery__Output)[];
  'notErased': (_heed_preferences_v1_NotErased__Output)[];
  'kept': (_heed_preferences_v1_KeptAfterErasure__Output)[];
  'latestAt': (_google_protobuf_Timestamp__Output | null);
  'status': (_heed_preferences_v1_ErasureStatus__Output | null);
}
