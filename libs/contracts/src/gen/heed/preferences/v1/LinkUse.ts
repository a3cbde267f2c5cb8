export const LinkUse = {
  LINK_USE_UNSPECIFIED: 'LINK_USE_UNSPECIFIED',
  LINK_USE_CHANGED: 'LINK_USE_CHANGED',
  LINK_USE_UNCHANGED: 'LINK_USE_UNCHANGED',
  LINK_USE_ERASED: 'LINK_USE_ERASED',
  LINK_USE_UNKNOWN: 'LINK_USE_UNKNOWN',
} as const;

export type LinkUse =
  | 'LINK_USE_UNSPECIFIED'
  | 0
  | 'LINK_USE_CHANGED'
  | 1
  | 'LINK_USE_UNCHANGED'
  | 2
  | 'LINK_USE_ERASED'
  | 3
  | 'LINK_USE_UNKNOWN'
  | 4

export type LinkUse__Output = typeof LinkUse[keyof typeof LinkUse]
