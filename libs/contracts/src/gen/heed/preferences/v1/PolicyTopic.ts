export interface PolicyTopic {
  'key'?: (string);
  'title'?: (string);
}

export interface PolicyTopic__Output {
  'key': (string);
  'title': (string);
}
