import { commonKinds, httpKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'

/** The switches of this vendor; the README says what each does. */
export const s3Kinds = [
  ...commonKinds,
  ...httpKinds,
  'expired-credentials',
  'clock-skewed',
  'access-denied',
  'conflict',
  'late-ack',
  'never-ack',
  'negative-ack',
  'partial-ack',
  'garbled-ack',
] as const
export type S3Fault = (typeof s3Kinds)[number]
export const s3Misbehaviour = misbehaviourSchema(s3Kinds)
