export interface GetPolicyRequest {
}

export interface GetPolicyRequest__Output {
}
