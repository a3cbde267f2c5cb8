export interface ResumeBackfillRequest {
  'backfillId'?: (string);
}

export interface ResumeBackfillRequest__Output {
  'backfillId': (string);
}
