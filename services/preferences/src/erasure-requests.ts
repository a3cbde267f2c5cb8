import { identifierKindWords } from '@heed/contracts'
import type { AuthorizeDisclosureRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/AuthorizeDisclosureRequest.ts'
import type { EraseSubjectRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/EraseSubjectRequest.ts'
import type { MarkKnownChildRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/MarkKnownChildRequest.ts'
import { type Grant, isReference, parseRecipientId } from '@heed/domain'
import { scrubText } from '@heed/platform/log'
import type { DisclosureQuestion } from './authorize-disclosure.ts'
import { bodyHash, Door, type DoorContext, type PersonRef, refText, requestRowId } from './door.ts'
import type { ErasureRequest } from './erase-subject.ts'

/** A reference that goes into the trail and stays there: needed, and without a trace of the person. */
export function lastingReference(door: Door, field: string, text: string): string {
  if (!isReference(text)) {
    door.refuse(field, 'say by 1 to 128 letters, digits and . _ : - where you keep how you made sure who asks', 'REFERENCE_MISSING')
  } else if (scrubText(text) !== text) {
    door.refuse(field, 'must hold no address, number or key of a person: it is kept for ever', 'REFERENCE_PERSONAL')
  }
  return text
}

/** A request to erase somebody, checked. */
export function parseErase(
  request: EraseSubjectRequest__Output | MarkKnownChildRequest__Output,
  cause: ErasureRequest['cause'],
  caller: string,
  context: DoorContext,
): ErasureRequest {
  const door = new Door(context)
  const requestId = door.requestId('request_id', request.requestId)
  const ref = door.person('subject', request.subject)
  const reference = lastingReference(door, 'reference', request.reference)
  door.done()
  if (ref === undefined) throw new Error('unreachable')
  const again = 'again' in request && request.again
  return {
    rowId: requestRowId(caller, requestId),
    body: bodyHash(['erase', cause, refText(ref), reference, again]),
    ref,
    cause,
    reference,
    caller,
    again,
  }
}

/** A list that is about to be handed over, checked. Each form must be one that the policy grants the recipient. */
export function parseDisclosure(request: AuthorizeDisclosureRequest__Output, caller: string, context: DoorContext): DisclosureQuestion {
  const door = new Door(context)
  const requestId = door.requestId('request_id', request.requestId)
  const reference = door.reference('reference', request.reference)
  const recipient = door.recipient('recipient_id', parseRecipientId(request.recipientId) ?? '')
  const purpose = request.purpose === '' ? undefined : door.purpose('purpose', request.purpose)
  const forms: Grant[] = []
  if (door.count('identifiers', request.identifiers, 1, 64)) {
    for (const [index, { kind, form }] of request.identifiers.entries()) {
      const word = identifierKindWords.toDomain(kind)
      const grant = recipient?.grants.find((granted) => granted.kind === word && granted.form === form)
      if (grant !== undefined) forms.push(grant)
      else if (recipient !== undefined)
        door.refuse(`identifiers[${index}]`, `the policy grants ${recipient.id} no such identifier in that form`, 'NOT_GRANTED')
    }
  }
  const refs: PersonRef[] = []
  if (door.count('subjects', request.subjects, 1, 10_000)) {
    for (const [index, subject] of request.subjects.entries()) {
      const ref = door.person(`subjects[${index}]`, subject)
      if (ref !== undefined) refs.push(ref)
    }
  }
  door.done()
  if (recipient === undefined) throw new Error('unreachable')
  const said = forms.map(({ kind, form }) => `${kind} ${form}`)
  return {
    rowId: requestRowId(caller, requestId),
    body: bodyHash(['disclose', recipient.id, purpose ?? '', said, refs.map(refText), reference ?? '']),
    recipient,
    ...(purpose === undefined ? {} : { purpose }),
    forms,
    refs,
    ...(reference === undefined ? {} : { reference }),
    caller,
  }
}
