export interface WatchBackfillRequest {
  'backfillId'?: (string);
}

export interface WatchBackfillRequest__Output {
  'backfillId': (string);
}
