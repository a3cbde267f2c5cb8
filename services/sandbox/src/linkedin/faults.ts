import { commonKinds, httpKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'

/** The switches of this vendor; the README says what each does. */
export const linkedinKinds = [
  ...commonKinds,
  ...httpKinds,
  'element-unavailable',
  'wrong-count',
  'no-access',
  'version-sunset',
  'locked',
] as const
export type LinkedinFault = (typeof linkedinKinds)[number]
export const linkedinMisbehaviour = misbehaviourSchema(linkedinKinds)
