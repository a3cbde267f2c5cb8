import { commonKinds, httpKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'

/** The switches of this vendor; the README says what each does. */
export const liverampKinds = [...commonKinds, ...httpKinds, 'late-failure', 'never-completed', 'forgotten'] as const
export type LiverampFault = (typeof liverampKinds)[number]
export const liverampMisbehaviour = misbehaviourSchema(liverampKinds)
