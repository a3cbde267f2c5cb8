export interface SubjectDisclosure {
  'subjectId'?: (string);
  'salt'?: (Buffer | Uint8Array | string);
}

export interface SubjectDisclosure__Output {
  'subjectId': (string);
  'salt': (Buffer);
}
