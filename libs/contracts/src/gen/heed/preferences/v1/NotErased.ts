export interface NotErased {
  'recipientId'?: (string);
  'title'?: (string);
  'what'?: (string);
  'why'?: (string);
}

export interface NotErased__Output {
  'recipientId': (string);
  'title': (string);
  'what': (string);
  'why': (string);
}
