export interface RedeliverResponse {
  'deliveryIds'?: (string)[];
}

export interface RedeliverResponse__Output {
  'deliveryIds': (string)[];
}
