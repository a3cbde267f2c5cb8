export interface StartBackfillRequest {
  'recipientId'?: (string);
  'maxPerSecond'?: (number);
  'reason'?: (string);
}

export interface StartBackfillRequest__Output {
  'recipientId': (string);
  'maxPerSecond': (number);
  'reason': (string);
}
