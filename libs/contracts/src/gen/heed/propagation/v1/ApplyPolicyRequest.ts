export interface ApplyPolicyRequest {
  'maxPerSecond'?: (number);
  'reason'?: (string);
}

export interface ApplyPolicyRequest__Output {
  'maxPerSecond': (number);
  'reason': (string);
}
