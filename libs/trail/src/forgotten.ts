import { hash } from 'node:crypto'

/** The digest under which an erased subject is remembered, so that what still comes in about it is not kept. */
export function forgottenKey(subjectId: string): string {
  return hash('sha256', `forgotten ${subjectId}`, 'base64url').slice(0, 32)
}
