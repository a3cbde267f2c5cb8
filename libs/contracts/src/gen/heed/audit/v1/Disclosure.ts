import type { SubjectDisclosure as _heed_audit_v1_SubjectDisclosure, SubjectDisclosure__Output as _heed_audit_v1_SubjectDisclosure__Output } from '../../../heed/audit/v1/SubjectDisclosure.ts';

export interface Disclosure {
  'subjects'?: (_heed_audit_v1_SubjectDisclosure)[];
  'sealed'?: (string);
  'sealedSalt'?: (Buffer | Uint8Array | string);
}

export interface Disclosure__Output {
  'subjects': (_heed_audit_v1_SubjectDisclosure__Output)[];
  'sealed': (string);
  'sealedSalt': (Buffer);
}
