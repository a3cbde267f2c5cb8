import { identifierKindWords } from '@heed/contracts'
import type { IdentifierServiceDefinition } from '@heed/contracts/gen/heed/identifiers/v1/IdentifierService.ts'
import type { ResolveIdentifiersRequest } from '@heed/contracts/gen/heed/identifiers/v1/ResolveIdentifiersRequest.ts'
import type { ResolveIdentifiersResponse__Output } from '@heed/contracts/gen/heed/identifiers/v1/ResolveIdentifiersResponse.ts'
import type { SubjectStanding__Output } from '@heed/contracts/gen/heed/identifiers/v1/SubjectStanding.ts'
import type { DeliveryId, RecipientId, SubjectId } from '@heed/domain'
import type { ResolvedIdentifier } from './contract.ts'

/** A subject as it may be told to one recipient now. Lives in memory only, for as long as a request is made of it. */
export interface ResolvedSubject {
  /** `unreadable`: what is kept of the subject is damaged, and no identifier of it is given. */
  readonly standing: 'active' | 'merged' | 'erased' | 'unknown' | 'unreadable'
  /** What the policy grants that recipient, in the granted forms. */
  readonly identifiers: readonly ResolvedIdentifier[]
  /** The subject's newest version, whatever recipients it concerns. */
  readonly newestVersion: number
}

/** Where identifiers come from. Every answer is a disclosure, recorded before it is given: ask at the moment of sending, and only for what is sent. */
export interface IdentifierDirectory {
  /** One result for each item, in their order. `withoutValues` asks for the kinds only, which discloses nothing. Throws where the directory is away. */
  resolve(
    recipientId: RecipientId,
    items: readonly { readonly subjectId: SubjectId; readonly deliveryId: DeliveryId }[],
    options?: { readonly withoutValues?: boolean },
  ): Promise<readonly ResolvedSubject[]>
}

/** The client of `IdentifierService`, as far as the kit uses it: `grpcClient(loadService('heed.identifiers.v1.IdentifierService'), …)`. */
export interface IdentifierClient {
  resolveIdentifiers(request: ResolveIdentifiersRequest, options?: { deadlineMs?: number }): Promise<ResolveIdentifiersResponse__Output>
}

/** The definition that `IdentifierClient` is a client of. */
export type { IdentifierServiceDefinition }

const standings: Readonly<Record<SubjectStanding__Output, ResolvedSubject['standing']>> = {
  SUBJECT_STANDING_UNSPECIFIED: 'unknown',
  SUBJECT_STANDING_ACTIVE: 'active',
  SUBJECT_STANDING_MERGED: 'merged',
  SUBJECT_STANDING_ERASED: 'erased',
  SUBJECT_STANDING_UNKNOWN: 'unknown',
  SUBJECT_STANDING_UNREADABLE: 'unreadable',
}

/** The most items of one call: the service's own limit is 10,000. */
const maxItems = 5_000

/** The directory behind the gRPC service. */
export function grpcDirectory(client: IdentifierClient, options: { readonly deadlineMs?: number } = {}): IdentifierDirectory {
  const { deadlineMs = 20_000 } = options
  return {
    resolve: async (recipientId, items, { withoutValues = false } = {}) => {
      const resolved: ResolvedSubject[] = []
      for (let from = 0; from < items.length; from += maxItems) {
        const part = items.slice(from, from + maxItems)
        const { subjects } = await client.resolveIdentifiers(
          { recipientId, items: part.map(({ subjectId, deliveryId }) => ({ subjectId, deliveryId })), withoutValues },
          { deadlineMs },
        )
        if (subjects.length !== part.length) throw new Error('the identifier service answered for other subjects than it was asked for')
        for (const [index, subject] of subjects.entries()) {
          if (subject.subjectId !== part[index]?.subjectId) throw new Error('the identifier service answered in another order')
          resolved.push({
            // a word that a newer service has and this kit has not must not end a duty
            standing: standings[subject.standing] ?? 'unreadable',
            newestVersion: subject.newestVersion,
            identifiers: subject.identifiers.flatMap(({ kind, form, value, former }) => {
              const word = identifierKindWords.toDomain(kind)
              return word === undefined ? [] : [{ kind: word, form, value, ...(former ? { former } : {}) }]
            }),
          })
        }
      }
      return resolved
    },
  }
}
