export interface ListSubjectTimelineRequest {
  'subjectId'?: (string);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListSubjectTimelineRequest__Output {
  'subjectId': (string);
  'pageSize': (number);
  'pageToken': (string);
}
