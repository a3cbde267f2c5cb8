import type { RecipientStatus as _heed_audit_v1_RecipientStatus, RecipientStatus__Output as _heed_audit_v1_RecipientStatus__Output } from '../../../heed/audit/v1/RecipientStatus.ts';

export interface ListRecipientStatusResponse {
  'recipients'?: (_heed_audit_v1_RecipientStatus)[];
}

export interface ListRecipientStatusResponse__Output {
  'recipients': (_heed_audit_v1_RecipientStatus__Output)[];
}
