import type { ErasureStage as _heed_preferences_v1_ErasureStage, ErasureStage__Output as _heed_preferences_v1_ErasureStage__Output } from '../../../heed/preferences/v1/ErasureStage.ts';
import type { ErasureCause as _heed_preferences_v1_ErasureCause, ErasureCause__Output as _heed_preferences_v1_ErasureCause__Output } from '../../../heed/preferences/v1/ErasureCause.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.ts';

export interface ErasureStatus {
  'subjectId'?: (string);
  'stage'?: (_heed_preferences_v1_ErasureStage);
  'cause'?: (_heed_preferences_v1_ErasureCause);
  'requestedAt'?: (_google_protobuf_Timestamp | null);
  'latestAt'?: (_google_protobuf_Timestamp | null);
  'denialChangeId'?: (string);
  'erasureChangeId'?: (string);
  'completedAt'?: (_google_protobuf_Timestamp | null);
  'waitingFor'?: (string);
  'openDeliveries'?: (number);
}

export interface ErasureStatus__Output {
  'subjectId': (string);
  'stage': (_heed_preferences_v1_ErasureStage__Output);
  'cause': (_heed_preferences_v1_ErasureCause__Output);
  'requestedAt': (_google_protobuf_Timestamp__Output | null);
  'latestAt': (_google_protobuf_Timestamp__Output | null);
  'denialChangeId': (string);
  'erasureChangeId': (string);
  'completedAt': (_google_protobuf_Timestamp__Output | null);
  'waitingFor': (string);
  'openDeliveries': (number);
}
