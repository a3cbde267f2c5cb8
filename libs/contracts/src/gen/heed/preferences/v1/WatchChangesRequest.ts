export interface WatchChangesRequest {
  'resumeToken'?: (string);
  'fromStart'?: (boolean);
}

export interface WatchChangesRequest__Output {
  'resumeToken': (string);
  'fromStart': (boolean);
}
