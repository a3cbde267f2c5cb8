import { commonKinds, httpKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'

/** The switches of this vendor; the README says what each does. */
export const xKinds = [
  ...commonKinds,
  ...httpKinds,
  'account-limited',
  'over-capacity',
  'locked',
  'cancelled',
  'not-allowed',
  'miscount',
  'warned',
] as const
export type XFault = (typeof xKinds)[number]
export const xMisbehaviour = misbehaviourSchema(xKinds)
