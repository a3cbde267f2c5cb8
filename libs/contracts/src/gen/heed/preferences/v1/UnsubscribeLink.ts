export interface UnsubscribeLink {
  'subjectId'?: (string);
  'url'?: (string);
  'listUnsubscribe'?: (string);
  'listUnsubscribePost'?: (string);
}

export interface UnsubscribeLink__Output {
  'subjectId': (string);
  'url': (string);
  'listUnsubscribe': (string);
  'listUnsubscribePost': (string);
}
