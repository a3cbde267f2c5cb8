import type { Long } from '@grpc/proto-loader';

export interface LinkIdentifiersResponse {
  'subjectId'?: (string);
  'version'?: (number | string | Long);
  'changeId'?: (string);
  'added'?: (number);
  'mergedSubjectIds'?: (string)[];
}

export interface LinkIdentifiersResponse__Output {
  'subjectId': (string);
  'version': (number);
  'changeId': (string);
  'added': (number);
  'mergedSubjectIds': (string)[];
}
