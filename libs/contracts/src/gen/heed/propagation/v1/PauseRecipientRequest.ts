export interface PauseRecipientRequest {
  'recipientId'?: (string);
  'reason'?: (string);
}

export interface PauseRecipientRequest__Output {
  'recipientId': (string);
  'reason': (string);
}
