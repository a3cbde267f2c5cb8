import { type Delivery, decideDenial, decideErasure, deliveriesFor, type IdentifierKind, type Policy, type Snapshot } from '@heed/domain'

/** A recipient that is not told to erase, and why. */
export interface NotErased {
  readonly recipientId: string
  readonly title: string
  readonly what: 'opted-out' | 'not-told'
  readonly why: string
}

/** What an erasure would do. */
export interface ErasurePlan {
  readonly denials: readonly Delivery[]
  readonly erasures: readonly Delivery[]
  readonly notErased: readonly NotErased[]
  readonly kept: readonly { readonly what: string; readonly why: string }[]
}

/** What stays of an erased person, whoever she was. */
const keptAfterErasure: ErasurePlan['kept'] = [
  {
    what: 'the versions of her choices: purpose, granted or denied, when, by which caller and policy',
    why: 'they prove that each wish was passed on; they name a random id, and no identifier or evidence',
  },
  {
    what: 'the trail: what was told to whom, when, and which kinds of identifier were handed over',
    why: 'older proofs would not verify without it; it never held an identifier',
  },
  {
    what: 'a keyed hash of each identifier, and of the reference in old unsubscribe links',
    why: 'so that a re-import, or a grant without fresh evidence, stays refused; the key is kept apart',
  },
  {
    what: 'answers to requests, for 30 days: the random id and a hash of the body',
    why: 'so that a repeated request is not carried out twice',
  },
  {
    what: 'the reference to how it was made sure who asked',
    why: 'it is the only link to the request itself, and leads into the records of the caller',
  },
  {
    what: 'backups of the database that are older than the erasure',
    why: 'Heed does not make them: keep them no longer than needed, and erase again after one was restored',
  },
]

/** What erasing this person now would do, as a function of its arguments. A person who is being erased already is denied nothing more. */
export function planErasure(policy: Policy, current: Snapshot, now: number): ErasurePlan {
  const input = { policy, current, origin: { kind: 'person', caller: 'plan' } as const, now }
  const denial = current.barred === 'erasure' ? undefined : decideDenial(input)
  const erasure = decideErasure({ ...input, current: denial?.snapshot ?? current })
  const notErased = policy.recipients.flatMap((recipient): NotErased[] => {
    const { id: recipientId, title, fulfilment } = recipient
    if (fulfilment.by === 'nobody') return [{ recipientId, title, what: 'not-told', why: fulfilment.reason }]
    if (recipient.erasure !== undefined) return []
    const why =
      fulfilment.by === 'person'
        ? 'a person takes her off by hand; the policy names nothing there that can be erased'
        : 'its interface can take her off lists and keep her off; it cannot be told to forget'
    return [{ recipientId, title, what: 'opted-out', why }]
  })
  return {
    denials: denial === undefined ? [] : deliveriesFor(policy, denial),
    erasures: deliveriesFor(policy, erasure).filter(({ kind }) => kind === 'erasure'),
    notErased,
    kept: keptAfterErasure,
  }
}

/** Counts by kind, in the order of their names. */
export function sortedCounts(kinds: ReadonlyMap<IdentifierKind, number>): { readonly kind: IdentifierKind; readonly count: number }[] {
  return [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => ({ kind, count }))
}
