export interface RedeliverRequest {
  'subjectId'?: (string);
  'recipientIds'?: (string)[];
  'reason'?: (string);
}

export interface RedeliverRequest__Output {
  'subjectId': (string);
  'recipientIds': (string)[];
  'reason': (string);
}
