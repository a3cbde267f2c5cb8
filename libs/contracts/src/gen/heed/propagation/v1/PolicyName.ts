export interface PolicyName {
  'id'?: (string);
  'version'?: (string);
  'sha256'?: (string);
}

export interface PolicyName__Output {
  'id': (string);
  'version': (string);
  'sha256': (string);
}
