export interface StopBackfillRequest {
  'backfillId'?: (string);
}

export interface StopBackfillRequest__Output {
  'backfillId': (string);
}
