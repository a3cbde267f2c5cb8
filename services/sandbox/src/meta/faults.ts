import { commonKinds, httpKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'

/** The switches of this vendor; the README says what each does. */
export const metaKinds = [
  ...commonKinds,
  ...httpKinds,
  'app-limited',
  'blocked',
  'transient',
  'permission-denied',
  'update-failed',
] as const
export type MetaFault = (typeof metaKinds)[number]
export const metaMisbehaviour = misbehaviourSchema(metaKinds)
