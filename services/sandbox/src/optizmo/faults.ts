import { commonKinds, httpKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'

/** The switches of this vendor; the README says what each does. */
export const optizmoKinds = [...commonKinds, ...httpKinds, 'import-fails', 'import-removed', 'no-counts', 'upload-refused'] as const
export type OptizmoFault = (typeof optizmoKinds)[number]
export const optizmoMisbehaviour = misbehaviourSchema(optizmoKinds)
