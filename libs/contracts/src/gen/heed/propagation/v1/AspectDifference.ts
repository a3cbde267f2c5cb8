export interface AspectDifference {
  'aspect'?: (string);
  'removed'?: (string)[];
  'added'?: (string)[];
}

export interface AspectDifference__Output {
  'aspect': (string);
  'removed': (string)[];
  'added': (string)[];
}
