import type { ResolvedIdentifier, Task } from '@heed/connector-kit'
import type { IdentifierKind } from '@heed/domain'
import { type ListKind, listKinds } from './settings.ts'

/** Whether people leave a list or join it. */
export type Action = 'remove' | 'ingest'

/** The most identifiers of one member. A person with more is several members. */
const identifiersPerMember = 10

const hexDigest = /^[0-9a-f]{64}$/
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

interface Usable {
  readonly form: string
  /** What Google takes; one member that it does not take refuses the whole request. */
  readonly pattern: RegExp
}

const usable: Readonly<Record<ListKind, Readonly<Partial<Record<IdentifierKind, Usable>>>>> = {
  contact: {
    email: { form: 'google-sha256-hex', pattern: hexDigest },
    phone: { form: 'e164-sha256-hex', pattern: hexDigest },
  },
  mobile: { idfa: { form: 'raw', pattern: uuid }, gaid: { form: 'raw', pattern: uuid } },
  'user-id': { 'user-id': { form: 'raw', pattern: /\S/ } },
}

/** The kinds of identifier that lists of these kinds can hold, best first. */
export function identifierKindsOf(lists: ReadonlySet<ListKind>): IdentifierKind[] {
  return listKinds.filter((kind) => lists.has(kind)).flatMap((kind) => Object.keys(usable[kind]) as IdentifierKind[])
}

/**
 * A person as members of a list of this kind: one member with all identifiers, or one for each ten. Empty where there is none that Google would take. A hash by a
 * rule that Google has given up takes somebody off a list that was filled then, and adds nobody.
 */
export function membersOf(task: Pick<Task, 'identifiers'>, kind: ListKind, action: Action): unknown[] {
  const taken = new Map<string, ResolvedIdentifier>()
  for (const identifier of task.identifiers) {
    const rule = usable[kind][identifier.kind]
    if (rule === undefined || identifier.form !== rule.form || !rule.pattern.test(identifier.value)) continue
    if (action === 'ingest' && identifier.former) continue
    taken.set(`${identifier.kind} ${identifier.value}`, identifier)
  }
  const identifiers = [...taken.values()]
  switch (kind) {
    case 'contact':
      return inTens(identifiers).map((some) => ({
        userData: { userIdentifiers: some.map((one) => (one.kind === 'email' ? { emailAddress: one.value } : { phoneNumber: one.value })) },
      }))
    case 'mobile':
      return inTens(identifiers).map((some) => ({ mobileData: { mobileIds: some.map(({ value }) => value) } }))
    case 'user-id':
      return identifiers.map(({ value }) => ({ userIdData: { userId: value } }))
    default:
      return kind satisfies never
  }
}

function inTens<T>(all: readonly T[]): T[][] {
  const tens: T[][] = []
  for (let from = 0; from < all.length; from += identifiersPerMember) tens.push(all.slice(from, from + identifiersPerMember))
  return tens
}
