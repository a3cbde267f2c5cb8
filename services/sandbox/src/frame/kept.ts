import type { Fact, Store } from './store.ts'
import type { Stage } from './vendor.ts'

/** A part of a vendor whose facts are kept. */
export interface Kept {
  facts(): Iterable<Fact>
  /** Takes over a fact of an earlier run; `false` when it is not of this part. */
  restore(fact: Fact): boolean
}

/**
 * Makes the parts of a vendor, opens the one store that they share, and hands each fact of an earlier run to the first part that
 * takes it. The store may be asked for once a part is used, not while it is made.
 */
export function openKept<Parts extends readonly Kept[]>(
  stage: Stage,
  make: (store: () => Store) => readonly [...Parts],
): { readonly parts: readonly [...Parts]; readonly store: Store } {
  let opened: Store | undefined
  const parts = make(() => {
    if (opened === undefined) throw new Error('the store was asked for before it was open')
    return opened
  })
  const store = stage.openStore(function* () {
    for (const part of parts) yield* part.facts()
  })
  opened = store
  for (const fact of store.load()) parts.some((part) => part.restore(fact))
  return { parts, store }
}
