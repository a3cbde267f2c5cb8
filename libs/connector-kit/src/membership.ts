import type { PurposeKey } from '@heed/domain'
import type { Task } from './contract.ts'

/** Whether an audience is to hold a person. `unsaid`: it may, and nobody asked that it does. */
export type Membership = 'in' | 'out' | 'unsaid'

/**
 * What a task says about a list that holds a person for all the purposes of its recipient at once, such as an advertising audience. Any denied purpose takes the
 * person out, and so does an erasure. `in` only where nothing is denied and the person herself granted one of the purposes: a default is no reason to add her.
 * Topics say nothing here: a list cannot hold a person for a part of a purpose.
 */
export function membershipOf(task: Pick<Task, 'kind' | 'wanted' | 'evidence'>): Membership {
  if (task.kind === 'erasure') return 'out'
  const purposes = (Object.keys(task.wanted) as PurposeKey[]).filter((key) => !key.includes('/'))
  if (purposes.some((key) => task.wanted[key] === 'denied')) return 'out'
  return purposes.some((key) => task.evidence[key] !== undefined) ? 'in' : 'unsaid'
}
