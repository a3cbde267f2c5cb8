import { commonKinds, httpKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'

/** The switches of this vendor; the README says what each does. */
export const googleKinds = [...commonKinds, ...httpKinds, 'poison-late', 'partial-late', 'fails-late', 'stuck', 'status-unknown'] as const
export type GoogleFault = (typeof googleKinds)[number]
export const googleMisbehaviour = misbehaviourSchema(googleKinds)
