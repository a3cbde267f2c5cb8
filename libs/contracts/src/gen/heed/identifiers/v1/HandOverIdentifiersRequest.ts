export interface HandOverIdentifiersRequest {
  'deliveryId'?: (string);
  'handedTo'?: (string);
}

export interface HandOverIdentifiersRequest__Output {
  'deliveryId': (string);
  'handedTo': (string);
}
