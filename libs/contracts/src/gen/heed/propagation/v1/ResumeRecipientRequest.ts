export interface ResumeRecipientRequest {
  'recipientId'?: (string);
  'reason'?: (string);
}

export interface ResumeRecipientRequest__Output {
  'recipientId': (string);
  'reason': (string);
}
