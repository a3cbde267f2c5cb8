import { createHash } from 'node:crypto'

/** Somebody whom a vendor knows itself, in clear. At least one list has something in it. */
export interface Person {
  readonly addresses?: readonly string[] | undefined
  /** E.164. */
  readonly phones?: readonly string[] | undefined
  /** IDFA or Android advertising ids. */
  readonly deviceIds?: readonly string[] | undefined
  /** Ids that the company gave them, as it hands them to the vendor. */
  readonly userIds?: readonly string[] | undefined
  /** Names on the vendor's own network. */
  readonly handles?: readonly string[] | undefined
}

/** A person, or just their e-mail address. */
export type PersonInput = string | Person

/** An identifier as a vendor keeps it: its kind, a colon, and the value or its hash, e.g. `email:86e0b9e5…`. */
export type Key = string

/** The kind of a key, e.g. `email`. */
export function keyKind(key: Key): string {
  return key.slice(0, key.indexOf(':'))
}

/** The value of a key, without its kind. */
export function keyValue(key: Key): string {
  return key.slice(key.indexOf(':') + 1)
}

/** Reads a person; throws a `RangeError` when nothing is known of them. */
export function personOf(input: PersonInput): Person {
  const person = typeof input === 'string' ? { addresses: [input] } : input
  if (clearOf(person).next().done === true) throw new RangeError('a person needs at least one identifier')
  return person
}

/** The `n`-th person of those that are made up in bulk. */
export function generatedPerson(n: number): Person {
  return { addresses: [`person-${n}@example.com`] }
}

/** Everything that is known of a person, in clear, each with its kind. */
export function* clearOf(person: Person): Generator<readonly [kind: keyof Person, value: string]> {
  for (const kind of ['addresses', 'phones', 'deviceIds', 'userIds', 'handles'] as const) {
    for (const value of person[kind] ?? []) yield [kind, value]
  }
}

/** What both of them say about one person. */
export function united(one: Person, other: Person): Person {
  const both = (kind: keyof Person): readonly string[] => [...new Set([...(one[kind] ?? []), ...(other[kind] ?? [])])]
  return {
    addresses: both('addresses'),
    phones: both('phones'),
    deviceIds: both('deviceIds'),
    userIds: both('userIds'),
    handles: both('handles'),
  }
}

/** SHA-256 of the text in lowercase hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

/** Whether this is a SHA-256 in lowercase hex. */
export function isSha256(value: string): boolean {
  return /^[0-9a-f]{64}$/.test(value)
}
