import { commonKinds, httpKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'

/** The switches of this vendor; the README says what each does. */
export const analyticsKinds = [...commonKinds, ...httpKinds, 'quota-as-403', 'permission-denied', 'unavailable'] as const
export type AnalyticsFault = (typeof analyticsKinds)[number]
export const analyticsMisbehaviour = misbehaviourSchema(analyticsKinds)
