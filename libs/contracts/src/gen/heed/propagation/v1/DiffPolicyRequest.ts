export interface DiffPolicyRequest {
  'policyText'?: (string);
}

export interface DiffPolicyRequest__Output {
  'policyText': (string);
}
