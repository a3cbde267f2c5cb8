export interface ScanSnapshotsRequest {
  'cursor'?: (string);
  'purposes'?: (string)[];
  'subjectId'?: (string);
}

export interface ScanSnapshotsRequest__Output {
  'cursor': (string);
  'purposes': (string)[];
  'subjectId': (string);
}
