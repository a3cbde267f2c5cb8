export interface ResolveDeliveryRequest {
  'deliveryId'?: (string);
  'resolvedBy'?: (string);
  'why'?: (string);
  'evidence'?: (string);
}

export interface ResolveDeliveryRequest__Output {
  'deliveryId': (string);
  'resolvedBy': (string);
  'why': (string);
  'evidence': (string);
}
