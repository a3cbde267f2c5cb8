export interface ListErasuresRequest {
  'subjectId'?: (string);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListErasuresRequest__Output {
  'subjectId': (string);
  'pageSize': (number);
  'pageToken': (string);
}
