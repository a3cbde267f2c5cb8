import { identifierKindWords } from '@heed/contracts'
import type { HandOverIdentifiersRequest__Output } from '@heed/contracts/gen/heed/identifiers/v1/HandOverIdentifiersRequest.ts'
import type { HandOverIdentifiersResponse } from '@heed/contracts/gen/heed/identifiers/v1/HandOverIdentifiersResponse.ts'
import type { ResolvedSubject } from '@heed/contracts/gen/heed/identifiers/v1/ResolvedSubject.ts'
import type { ResolveIdentifiersRequest__Output } from '@heed/contracts/gen/heed/identifiers/v1/ResolveIdentifiersRequest.ts'
import type { ResolveIdentifiersResponse } from '@heed/contracts/gen/heed/identifiers/v1/ResolveIdentifiersResponse.ts'
import type { CreateUnsubscribeLinksRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/CreateUnsubscribeLinksRequest.ts'
import type { CreateUnsubscribeLinksResponse } from '@heed/contracts/gen/heed/preferences/v1/CreateUnsubscribeLinksResponse.ts'
import type { UseUnsubscribeLinksRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/UseUnsubscribeLinksRequest.ts'
import type { UseUnsubscribeLinksResponse } from '@heed/contracts/gen/heed/preferences/v1/UseUnsubscribeLinksResponse.ts'
import { deliveryIdOf, findPurpose, findRecipient, parseDeliveryId, parseRecipientId } from '@heed/domain'
import { type CallContext, GrpcFault, missingScope } from '@heed/platform/grpc'
import { Door, type DoorContext, type PersonRef } from './door.ts'
import { parseResolve, parseUses } from './requests.ts'
import type { Resolved, Resolver } from './resolve-identifiers.ts'
import type { Links } from './unsubscribe-links.ts'
import { linkUses, standings } from './wire-words.ts'

/** CreateUnsubscribeLinks and UseUnsubscribeLinks. */
export function linkHandlers({ door: doorContext, links }: { readonly door: DoorContext; readonly links: Links }) {
  return {
    CreateUnsubscribeLinks: async (
      request: CreateUnsubscribeLinksRequest__Output,
      context: CallContext,
    ): Promise<CreateUnsubscribeLinksResponse> => {
      const door = new Door(doorContext)
      const purpose = door.purpose('purpose', request.purpose)
      if (purpose !== undefined && findPurpose(doorContext.policy, purpose)?.refusable === false) {
        door.refuse('purpose', 'this purpose cannot be refused: its mails carry no unsubscribe link', 'NOT_REFUSABLE')
      }
      const refs: PersonRef[] = []
      if (door.count('subjects', request.subjects, 1, 10_000)) {
        for (const [index, subject] of request.subjects.entries()) {
          const ref = door.person(`subjects[${index}]`, subject)
          if (ref !== undefined) refs.push(ref)
        }
      }
      door.done()
      if (purpose === undefined) throw new Error('unreachable')
      return { links: await links.create(purpose, refs, context.caller.id) }
    },

    UseUnsubscribeLinks: async (
      request: UseUnsubscribeLinksRequest__Output,
      context: CallContext,
    ): Promise<UseUnsubscribeLinksResponse> => {
      const used = await links.use(parseUses(request.uses, doorContext), context.caller.id)
      return { results: used.map(({ result, changeId }) => ({ result: linkUses[result], changeId })) }
    },
  }
}

/** The scope that lets a caller have the identifiers that the policy grants a recipient. */
export const resolveScope = (recipientId: string): string => `identifiers:resolve:${recipientId}`

/** The scope that lets a caller have the identifiers of the duties of a role. */
export const handOverScope = (role: string): string => `identifiers:hand-over:${role}`

/** ResolveIdentifiers and HandOverIdentifiers. */
export function identifierHandlers({ door: doorContext, resolver }: { readonly door: DoorContext; readonly resolver: Resolver }) {
  return {
    ResolveIdentifiers: async (request: ResolveIdentifiersRequest__Output, context: CallContext): Promise<ResolveIdentifiersResponse> => {
      // the scope first: who lacks it does not learn which recipients there are, and a name that is none is not repeated
      const recipientId = parseRecipientId(request.recipientId)
      if (recipientId === undefined) throw missingScope(resolveScope('<recipient_id>'))
      context.requireScope(resolveScope(recipientId))
      const door = new Door(doorContext)
      const recipient = door.recipient('recipient_id', recipientId)
      door.done()
      if (recipient === undefined) throw new Error('unreachable')
      const { withoutValues } = request
      const questions = parseResolve(request, recipientId, doorContext)
      const resolved = await resolver.resolve(recipient, questions, context.caller.id, { withoutValues })
      return { subjects: resolved.map(resolvedMessage) }
    },

    HandOverIdentifiers: async (
      request: HandOverIdentifiersRequest__Output,
      context: CallContext,
    ): Promise<HandOverIdentifiersResponse> => {
      const delivery = parseDeliveryId(request.deliveryId)
      const recipient = delivery === undefined ? undefined : findRecipient(doorContext.policy, delivery.recipientId)
      const role = recipient?.fulfilment.by === 'person' ? recipient.fulfilment.ownerRole : undefined
      // who has no right to anything does not learn which recipients there are
      context.requireScope(handOverScope(role ?? '*'))
      const door = new Door(doorContext)
      if (delivery === undefined) door.refuse('delivery_id', 'must be <recipient>/<subject id>/<version>')
      else if (role === undefined)
        door.refuse('delivery_id', 'the policy gives this recipient to no person: its connector is handed what it needs')
      const person = door.staff('handed_to', request.handedTo)
      door.done()
      if (delivery === undefined || recipient === undefined || role === undefined) throw new Error('unreachable')
      const question = { subjectId: delivery.subjectId, deliveryId: deliveryIdOf(recipient.id, delivery.subjectId, delivery.version) }
      // before anything is recorded: a duty that never was hands nothing over
      const [known] = await resolver.resolve(recipient, [question], context.caller.id, { withoutValues: true })
      if (known === undefined || known.standing === 'unknown' || delivery.version > known.newestVersion)
        throw GrpcFault.notFound('DELIVERY_UNKNOWN', 'there is no such delivery')
      const [subject = known] = await resolver.resolve(recipient, [question], context.caller.id, { handedTo: { role, person } })
      return { subject: resolvedMessage(subject) }
    },
  }
}

function resolvedMessage({ subjectId, standing, identifiers, newestVersion }: Resolved): ResolvedSubject {
  return {
    subjectId,
    standing: standings[standing],
    identifiers: identifiers.map(({ kind, form, value, former = false }) => ({
      kind: identifierKindWords.toWire(kind),
      form,
      value,
      former,
    })),
    newestVersion,
  }
}
