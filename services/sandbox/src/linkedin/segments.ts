import type { Audience } from '../audience/book.ts'
import type { Fact, Store } from '../frame/store.ts'

/** What LinkedIn keeps of a segment beside its members. */
export interface Segment {
  readonly id: string
  readonly name: string
  /** `urn:li:sponsoredAccount:…`. */
  readonly account: string
  readonly sourcePlatform: string
  readonly sourceSegmentId: string
  /** Milliseconds since the epoch; segments of the first day are as old as time. */
  readonly createdAt: number
}

/** The segments, by id. */
export interface Segments {
  create(given: Omit<Segment, 'id' | 'createdAt'>): Segment
  find(id: string): Segment | undefined
  all(): Segment[]
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  clear(): void
}

/** The segments of an account; new ones are announced to `opened`, so that they can have members. */
export function createSegments(
  account: string,
  firstDay: readonly Audience[],
  now: () => number,
  store: () => Store,
  opened: (audience: Audience) => void,
): Segments {
  const segments = new Map<string, Segment>()
  for (const { id, name } of firstDay)
    segments.set(id, { id, name, account, sourcePlatform: 'HEED', sourceSegmentId: `source-${id}`, createdAt: 0 })
  let serial = 0

  return {
    create(given) {
      do serial += 1
      while (segments.has(String(20_000_000 + serial)))
      const segment: Segment = { ...given, id: String(20_000_000 + serial), createdAt: now() }
      segments.set(segment.id, segment)
      store().put('segment', segment.id, segment)
      opened({ id: segment.id, name: segment.name, account: segment.account })
      return segment
    },
    find: (id) => segments.get(id),
    all: () => [...segments.values()],
    *facts() {
      for (const segment of segments.values()) if (segment.createdAt > 0) yield ['segment', segment.id, segment]
    },
    restore([kind, id, value]) {
      if (kind === 'segment') segments.set(id, value as Segment)
      return kind === 'segment'
    },
    // audiences stay at a reset, and so do segments
    clear: () => undefined,
  }
}
