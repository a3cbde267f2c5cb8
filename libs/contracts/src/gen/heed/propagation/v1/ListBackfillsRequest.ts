export interface ListBackfillsRequest {
  'recipientId'?: (string);
}

export interface ListBackfillsRequest__Output {
  'recipientId': (string);
}
