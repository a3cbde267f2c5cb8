export interface ResolveItem {
  'subjectId'?: (string);
  'deliveryId'?: (string);
}

export interface ResolveItem__Output {
  'subjectId': (string);
  'deliveryId': (string);
}
