export interface GetChangeStatusRequest {
  'changeId'?: (string);
}

export interface GetChangeStatusRequest__Output {
  'changeId': (string);
}
