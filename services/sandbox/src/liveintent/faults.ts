import { commonKinds, httpKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'

/** The switches of this vendor; the README says what each does. */
export const liveintentKinds = [...commonKinds, ...httpKinds, 'late-failure', 'never-completed'] as const
export type LiveintentFault = (typeof liveintentKinds)[number]
export const liveintentMisbehaviour = misbehaviourSchema(liveintentKinds)
