export const Choice = {
  CHOICE_UNSPECIFIED: 'CHOICE_UNSPECIFIED',
  CHOICE_GRANTED: 'CHOICE_GRANTED',
  CHOICE_DENIED: 'CHOICE_DENIED',
} as const;

export type Choice =
  | 'CHOICE_UNSPECIFIED'
  | 0
  | 'CHOICE_GRANTED'
  | 1
  | 'CHOICE_DENIED'
  | 2

export type Choice__Output = typeof Choice[keyof typeof Choice]
