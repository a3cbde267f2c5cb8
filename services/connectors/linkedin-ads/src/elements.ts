import { membershipOf, type ResolvedIdentifier, type Task } from '@heed/connector-kit'
import type { DeliveryId } from '@heed/domain'

/** One change of a segment, in the words of the vendor. */
export interface Element {
  readonly action: 'ADD' | 'REMOVE'
  readonly userIds: readonly { readonly idType: string; readonly idValue: string }[]
}

/** An element and the delivery that it belongs to. */
export interface Change {
  readonly deliveryId: DeliveryId
  readonly element: Element
}

// Names, titles, companies and countries are taken too, in plain text: they are never handed over.
const idTypes: readonly { readonly kind: ResolvedIdentifier['kind']; readonly form: string; readonly idType: string }[] = [
  { kind: 'email', form: 'nows-sha256-hex', idType: 'SHA256_EMAIL' },
  { kind: 'email', form: 'nows-sha512-hex', idType: 'SHA512_EMAIL' },
  { kind: 'gaid', form: 'raw', idType: 'GOOGLE_AID' },
]

function userIdsOf(identifiers: readonly ResolvedIdentifier[]): Element['userIds'] {
  return identifiers.flatMap(({ kind, form, value }) => {
    const known = idTypes.find((type) => type.kind === kind && type.form === form)
    return known === undefined ? [] : [{ idType: known.idType, idValue: value }]
  })
}

/** Whether a segment can know the person of a task at all. */
export function isKnowable(task: Task): boolean {
  return userIdsOf(task.identifiers).length > 0
}

/**
 * What a segment has to be told about a task. A removal has an element for each identifier, so that one bad value cannot hide the others; an addition is one
 * element, since the ids are one member's.
 */
export function changesOf(task: Task): Change[] {
  const { deliveryId, identifiers } = task
  const membership = membershipOf(task)
  switch (membership) {
    case 'unsaid':
      return []
    case 'out':
      return userIdsOf(identifiers).map((userId) => ({ deliveryId, element: { action: 'REMOVE', userIds: [userId] } }))
    case 'in': {
      // what a former rule made takes a person out of an old list, and adds nobody
      const userIds = userIdsOf(identifiers.filter(({ former }) => former === undefined))
      return userIds.length === 0 ? [] : [{ deliveryId, element: { action: 'ADD', userIds } }]
    }
    default:
      return membership satisfies never
  }
}
