import { createHash } from 'node:crypto'
import type { Fact, Store } from '../frame/store.ts'
import type { PersonQuestion } from '../frame/vendor.ts'
import { clearOf, type Key, keyKind, keyValue, type Person, type PersonInput, personOf, united } from './people.ts'

/** A list of people that advertisements are shown to, or are kept from. */
export interface Audience {
  readonly id: string
  readonly name: string
  /** The account that it belongs to. */
  readonly account?: string | undefined
  /** The kinds of key that it takes; without it, every kind that the vendor has. */
  readonly holds?: readonly string[] | undefined
  /** Whether its members are kept out of advertising instead of being shown it. */
  readonly suppresses?: boolean | undefined
}

/** What a vendor believes about one person, or about somebody whom it knows by a key only, in one audience. */
export interface AudienceBelief {
  readonly audienceId: string
  readonly audience: string
  readonly account?: string
  /** Present on a list whose members are kept out of advertising: there, a member is somebody who opted out. */
  readonly suppresses?: true
  /** In clear, for people whom the vendor knows itself. */
  readonly address?: string
  readonly person?: Person
  /** The keys under which the audience holds them, or held them. */
  readonly keys: readonly Key[]
  /** Whether they are in the audience now. */
  readonly member: boolean
  readonly changedAt?: string
  readonly expiresAt?: string
}

/** How a vendor recognises people. */
export interface Recognition {
  /** The keys under which it finds a person whom it knows. */
  keysOf(person: Person): readonly Key[]
  /** Keys under which an audience may still hold a person, but which find nobody today. */
  formerKeysOf?(person: Person): readonly Key[]
  /** Whether a removal by one key also reaches a member who was added under another key of the same known person. */
  readonly resolvesPeople: boolean
}

/** One membership, or what is left of it. */
interface Entry {
  readonly id: string
  readonly keys: readonly Key[]
  readonly member: boolean
  /** Milliseconds since the epoch, on the sandbox's clock. */
  readonly changedAt: number
  readonly expiresAt?: number | undefined
}

interface Known {
  readonly id: string
  readonly person: Person
  readonly keys: readonly Key[]
  readonly former: readonly Key[]
}

interface Shelf {
  readonly audience: Audience
  readonly entries: Map<string, Entry>
  readonly byKey: Map<Key, Set<string>>
}

/** Who is in which audience, and whom the vendor knows. Every change goes to the store. */
export interface AudienceBook {
  audiences(): readonly Audience[]
  find(id: string): Audience | undefined
  /** Adds an audience, or describes one of this id anew and keeps its members. */
  addAudience(audience: Audience): void
  know(people: Iterable<PersonInput>): void
  knownPeople(): number
  /** The keys of a person that this audience takes. */
  keysFor(audience: Audience, person: PersonInput): readonly Key[]
  /** Whether any of the keys belongs to a known person. */
  recognises(keys: readonly Key[]): boolean
  /** Puts somebody into the audience under these keys, or refreshes them. */
  put(audience: Audience, keys: readonly Key[], expiresAt?: number): void
  /** Takes everybody out who is found by any of the keys; says how many that were. */
  take(audience: Audience, keys: readonly Key[]): number
  /** Takes everybody out whose last change is not later than `asOf`. */
  empty(audience: Audience, asOf?: number): void
  members(audience: Audience): number
  beliefs(): AudienceBelief[]
  about(question: PersonQuestion): AudienceBelief[]
  /** The beliefs about whoever was changed last, newest first. */
  recent(limit: number): AudienceBelief[]
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  /** Forgets all people and members; the audiences stay. */
  clear(): void
}

const REMEMBERED = 200

/** A book with these audiences. */
export function createAudienceBook(
  definitions: readonly Audience[],
  recognition: Recognition,
  now: () => number,
  store: () => Store,
): AudienceBook {
  const shelves = new Map<string, Shelf>()
  const people = new Map<string, Known>()
  const byKey = new Map<Key, Known>()
  const byFormerKey = new Map<Key, Known>()
  let changed: { readonly shelf: Shelf; readonly entryId: string }[] = []

  const shelve = (audience: Audience): void => {
    const known = shelves.get(audience.id)
    shelves.set(audience.id, { audience, entries: known?.entries ?? new Map(), byKey: known?.byKey ?? new Map() })
  }
  for (const audience of definitions) shelve(audience)
  const shelfOf = ({ id }: Audience): Shelf => {
    const shelf = shelves.get(id)
    if (shelf === undefined) throw new RangeError(`no audience ${id}`)
    return shelf
  }

  const learn = (person: Person): Known => {
    const id = idOf(person)
    const before = people.get(id)
    const all = before === undefined ? person : united(before.person, person)
    const known: Known = { id, person: all, keys: recognition.keysOf(all), former: recognition.formerKeysOf?.(all) ?? [] }
    people.set(id, known)
    // whoever was known first under a key stays the one that it finds
    for (const key of known.keys) if (!byKey.has(key) || byKey.get(key)?.id === id) byKey.set(key, known)
    for (const key of known.former) if (!byFormerKey.has(key) || byFormerKey.get(key)?.id === id) byFormerKey.set(key, known)
    return known
  }

  const place = (shelf: Shelf, entry: Entry): void => {
    const isNew = !shelf.entries.has(entry.id)
    shelf.entries.set(entry.id, entry)
    if (isNew) {
      for (const key of entry.keys) {
        const ids = shelf.byKey.get(key)
        if (ids === undefined) shelf.byKey.set(key, new Set([entry.id]))
        else ids.add(entry.id)
      }
    }
    changed.push({ shelf, entryId: entry.id })
    if (changed.length > 2 * REMEMBERED) changed = changed.slice(REMEMBERED)
  }
  const save = (shelf: Shelf, entry: Entry): void => {
    place(shelf, entry)
    store().put('member', `${shelf.audience.id}/${entry.id}`, entry)
  }

  const holderOf = ({ keys }: Entry): Known | undefined => {
    for (const key of keys) {
      const known = byKey.get(key) ?? byFormerKey.get(key)
      if (known !== undefined) return known
    }
    return undefined
  }
  const entriesUnder = (shelf: Shelf, keys: Iterable<Key>): Set<Entry> => {
    const found = new Set<Entry>()
    for (const key of keys) {
      for (const id of shelf.byKey.get(key) ?? []) {
        const entry = shelf.entries.get(id)
        if (entry !== undefined) found.add(entry)
      }
    }
    return found
  }
  const entriesOf = (shelf: Shelf, known: Known): Entry[] =>
    [...entriesUnder(shelf, [...known.keys, ...known.former])].filter((entry) => holderOf(entry) === known)
  const isIn = (entry: Entry): boolean => entry.member && (entry.expiresAt === undefined || entry.expiresAt > now())
  const takes = ({ audience }: Shelf, key: Key): boolean => audience.holds === undefined || audience.holds.includes(keyKind(key))

  const belief = ({ audience }: Shelf, entries: readonly Entry[], known: Known | undefined): AudienceBelief => {
    const inside = entries.filter(isIn)
    const meant = inside.length > 0 ? inside : entries
    const changedAt = Math.max(...entries.map((entry) => entry.changedAt))
    const expiresAt = Math.max(...inside.flatMap((entry) => entry.expiresAt ?? []))
    const address = known?.person.addresses?.[0]
    return {
      audienceId: audience.id,
      audience: audience.name,
      ...(audience.account === undefined ? {} : { account: audience.account }),
      ...(audience.suppresses === true ? { suppresses: true } : {}),
      ...(address === undefined ? {} : { address }),
      ...(known === undefined ? {} : { person: known.person }),
      keys: [...new Set(meant.flatMap(({ keys }) => keys))],
      member: inside.length > 0,
      ...(entries.length === 0 ? {} : { changedAt: new Date(changedAt).toISOString() }),
      ...(Number.isFinite(expiresAt) ? { expiresAt: new Date(expiresAt).toISOString() } : {}),
    }
  }
  const beliefsAboutKnown = (known: Known): AudienceBelief[] =>
    [...shelves.values()]
      .filter((shelf) => known.keys.some((key) => takes(shelf, key)))
      .map((shelf) => belief(shelf, entriesOf(shelf, known), known))

  return {
    audiences: () => [...shelves.values()].map(({ audience }) => audience),
    find: (id) => shelves.get(id)?.audience,
    addAudience(audience) {
      shelve(audience)
      store().put('audience', audience.id, audience)
    },
    know(inputs) {
      for (const input of inputs) {
        const known = learn(personOf(input))
        store().put('person', known.id, known.person)
      }
    },
    knownPeople: () => people.size,
    keysFor: (audience, input) => recognition.keysOf(personOf(input)).filter((key) => takes(shelfOf(audience), key)),
    recognises: (keys) => keys.some((key) => byKey.has(key)),
    put(audience, keys, expiresAt) {
      const sorted = [...new Set(keys)].sort()
      if (sorted.length === 0) throw new RangeError('nobody is added without a key')
      const entry: Entry = { id: entryId(sorted), keys: sorted, member: true, changedAt: now() }
      save(shelfOf(audience), expiresAt === undefined ? entry : { ...entry, expiresAt })
    },
    take(audience, keys) {
      const shelf = shelfOf(audience)
      const found = entriesUnder(shelf, keys)
      if (recognition.resolvesPeople) {
        const meant = new Set(keys.flatMap((key) => byKey.get(key) ?? []))
        // who is held under a key that finds nobody today is reached by that key only
        for (const known of meant) for (const entry of entriesUnder(shelf, known.keys)) if (holderOf(entry) === known) found.add(entry)
      }
      const inside = [...found].filter(isIn)
      for (const { id, keys: under } of inside) save(shelf, { id, keys: under, member: false, changedAt: now() })
      return inside.length
    },
    empty(audience, asOf = now()) {
      const shelf = shelfOf(audience)
      for (const entry of [...shelf.entries.values()]) {
        if (isIn(entry) && entry.changedAt <= asOf) save(shelf, { id: entry.id, keys: entry.keys, member: false, changedAt: now() })
      }
    },
    members: (audience) => [...shelfOf(audience).entries.values()].filter(isIn).length,
    beliefs() {
      const unknown = [...shelves.values()].flatMap((shelf) =>
        [...shelf.entries.values()].filter((entry) => holderOf(entry) === undefined).map((entry) => belief(shelf, [entry], undefined)),
      )
      return [...[...people.values()].flatMap(beliefsAboutKnown), ...unknown]
    },
    about(question) {
      const whoever = ({ person, keys, former }: Known): boolean => isMeant(question, person, [...keys, ...former])
      const known = people.get(canonical(question.address ?? '')) ?? [...people.values()].find(whoever)
      if (known !== undefined) return beliefsAboutKnown(known)
      const keys = question.address === undefined ? [] : recognition.keysOf({ addresses: [question.address] })
      return [...shelves.values()].flatMap((shelf) => {
        const under = question.hash === undefined ? keys : [...shelf.byKey.keys()].filter((key) => keyValue(key) === question.hash)
        return [...entriesUnder(shelf, under)].map((entry) => belief(shelf, [entry], undefined))
      })
    },
    recent(limit) {
      const seen = new Set<string>()
      const found: AudienceBelief[] = []
      for (const { shelf, entryId: id } of changed.toReversed()) {
        const entry = shelf.entries.get(id)
        if (entry === undefined || found.length >= limit) continue
        const known = holderOf(entry)
        const whom = `${shelf.audience.id}/${known?.id ?? id}`
        if (seen.has(whom)) continue
        seen.add(whom)
        found.push(belief(shelf, known === undefined ? [entry] : entriesOf(shelf, known), known))
      }
      return found
    },
    *facts() {
      for (const { id, person } of people.values()) yield ['person', id, person]
      for (const { audience, entries } of shelves.values()) {
        yield ['audience', audience.id, audience]
        for (const entry of entries.values()) yield ['member', `${audience.id}/${entry.id}`, entry]
      }
    },
    restore([kind, id, value]) {
      if (kind === 'person') learn(value as Person)
      else if (kind === 'audience') shelve(value as Audience)
      else if (kind === 'member') {
        const shelf = shelves.get(id.slice(0, id.indexOf('/')))
        if (shelf !== undefined) place(shelf, value as Entry)
      } else return false
      return true
    },
    clear() {
      for (const [kind, id] of this.facts()) if (kind !== 'audience') store().remove(kind, id)
      people.clear()
      byKey.clear()
      byFormerKey.clear()
      changed = []
      for (const { entries, byKey: keys } of shelves.values()) {
        entries.clear()
        keys.clear()
      }
    },
  }
}

function isMeant({ address, hash }: PersonQuestion, person: Person, keys: readonly Key[]): boolean {
  if (address !== undefined) return person.addresses?.some((one) => canonical(one) === canonical(address)) === true
  if (hash === undefined) return false
  return keys.some((key) => keyValue(key) === hash) || [...clearOf(person)].some(([, value]) => value === hash)
}

function idOf(person: Person): string {
  const [first] = clearOf(person)
  return canonical(first?.[1] ?? '')
}

function canonical(text: string): string {
  return text.trim().toLowerCase()
}

function entryId(sorted: readonly Key[]): string {
  const [first = '', ...others] = sorted
  return others.length === 0 ? first : createHash('sha1').update(sorted.join('\n')).digest('hex')
}
