import { commonKinds, httpKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'

/** The switches of this vendor; the README says what each does. */
export const microsoftKinds = [
  ...commonKinds,
  ...httpKinds,
  'item-failed',
  'nothing-taken',
  'no-access',
  'login-refused',
  'wrong-identity',
  'rate-limited-bare',
] as const
export type MicrosoftFault = (typeof microsoftKinds)[number]
export const microsoftMisbehaviour = misbehaviourSchema(microsoftKinds)
