export interface WatchChangeStatusRequest {
  'changeId'?: (string);
}

export interface WatchChangeStatusRequest__Output {
  'changeId': (string);
}
