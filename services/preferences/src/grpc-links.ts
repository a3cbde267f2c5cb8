import { identifierKindWords } from '@heed/contracts'
import type { ResolveIdentifiersRequest__Output } from '@heed/contracts/gen/heed/identifiers/v1/ResolveIdentifiersRequest.ts'
import type { ResolveIdentifiersResponse } from '@heed/contracts/gen/heed/identifiers/v1/ResolveIdentifiersResponse.ts'
import type { CreateUnsubscribeLinksRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/CreateUnsubscribeLinksRequest.ts'
import type { CreateUnsubscribeLinksResponse } from '@heed/contracts/gen/heed/preferences/v1/CreateUnsubscribeLinksResponse.ts'
import type { UseUnsubscribeLinksRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/UseUnsubscribeLinksRequest.ts'
import type { UseUnsubscribeLinksResponse } from '@heed/contracts/gen/heed/preferences/v1/UseUnsubscribeLinksResponse.ts'
import { findPurpose, parseRecipientId } from '@heed/domain'
import { type CallContext, missingScope } from '@heed/platform/grpc'
import { Door, type DoorContext, type PersonRef } from './door.ts'
import { parseResolve, parseUses } from './requests.ts'
import type { Resolver } from './resolve-identifiers.ts'
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

/** ResolveIdentifiers. */
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
      const resolved = await resolver.resolve(recipient, parseResolve(request, recipientId, doorContext), context.caller.id)
      return {
        subjects: resolved.map(({ subjectId, standing, identifiers, newestVersion }) => ({
          subjectId,
          standing: standings[standing],
          identifiers: identifiers.map(({ kind, form, value, former = false }) => ({
            kind: identifierKindWords.toWire(kind),
            form,
            value,
            former,
          })),
          newestVersion,
        })),
      }
    },
  }
}
