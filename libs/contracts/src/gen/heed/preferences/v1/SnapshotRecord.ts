import type { Long } from '@grpc/proto-loader';

export interface SnapshotRecord {
  'subjectId'?: (string);
  'version'?: (number | string | Long);
  'eventJson'?: (string);
}

export interface SnapshotRecord__Output {
  'subjectId': (string);
  'version': (number);
  'eventJson': (string);
}
