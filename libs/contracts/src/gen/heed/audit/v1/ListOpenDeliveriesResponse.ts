import type { DeliveryStatus as _heed_audit_v1_DeliveryStatus, DeliveryStatus__Output as _heed_audit_v1_DeliveryStatus__Output } from '../../../heed/audit/v1/DeliveryStatus.ts';

export interface ListOpenDeliveriesResponse {
  'deliveries'?: (_heed_audit_v1_DeliveryStatus)[];
  'nextPageToken'?: (string);
}

export interface ListOpenDeliveriesResponse__Output {
  'deliveries': (_heed_audit_v1_DeliveryStatus__Output)[];
  'nextPageToken': (string);
}
