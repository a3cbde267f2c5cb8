import type { ChangeStatus as _heed_audit_v1_ChangeStatus, ChangeStatus__Output as _heed_audit_v1_ChangeStatus__Output } from '../../../heed/audit/v1/ChangeStatus.ts';

export interface WatchChangeStatusResponse {
  'status'?: (_heed_audit_v1_ChangeStatus | null);
}

export interface WatchChangeStatusResponse__Output {
  'status': (_heed_audit_v1_ChangeStatus__Output | null);
}
