export interface DisclosureReportRequest {
  'subjectId'?: (string);
  'year'?: (number);
  'preview'?: (boolean);
  'requestId'?: (string);
  'reference'?: (string);
}

export interface DisclosureReportRequest__Output {
  'subjectId': (string);
  'year': (number);
  'preview': (boolean);
  'requestId': (string);
  'reference': (string);
}
