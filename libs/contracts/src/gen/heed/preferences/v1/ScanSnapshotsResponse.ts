import type { SnapshotRecord as _heed_preferences_v1_SnapshotRecord, SnapshotRecord__Output as _heed_preferences_v1_SnapshotRecord__Output } from '../../../heed/preferences/v1/SnapshotRecord.ts';
import type { Long } from '@grpc/proto-loader';

export interface ScanSnapshotsResponse {
  'snapshots'?: (_heed_preferences_v1_SnapshotRecord)[];
  'cursor'?: (string);
  'total'?: (number | string | Long);
}

export interface ScanSnapshotsResponse__Output {
  'snapshots': (_heed_preferences_v1_SnapshotRecord__Output)[];
  'cursor': (string);
  'total': (number);
}
