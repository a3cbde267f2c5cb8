export const ErasureCause = {
  ERASURE_CAUSE_UNSPECIFIED: 'ERASURE_CAUSE_UNSPECIFIED',
  ERASURE_CAUSE_REQUEST: 'ERASURE_CAUSE_REQUEST',
  ERASURE_CAUSE_KNOWN_CHILD: 'ERASURE_CAUSE_KNOWN_CHILD',
} as const;

export type ErasureCause =
  | 'ERASURE_CAUSE_UNSPECIFIED'
  | 0
  | 'ERASURE_CAUSE_REQUEST'
  | 1
  | 'ERASURE_CAUSE_KNOWN_CHILD'
  | 2

export type ErasureCause__Output = typeof ErasureCause[keyof typeof ErasureCause]
