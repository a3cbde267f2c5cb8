import { hash, randomUUID } from 'node:crypto'
import { type DeliveryId, deriveForm, type Identifier, type Recipient, type SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { Logger } from '@heed/platform/log'
import type { GroupCommit } from '@heed/platform/mongo'
import { type ActRow, type DisclosedForms, type DisclosureRow, disclosureOf, type HandedTo } from './acts.ts'
import { batchReader } from './batch-reader.ts'
import type { Directory } from './directory.ts'
import type { Journal } from './journal.ts'
import type { ChangeRow, IdentifierRow, SubjectRow } from './rows.ts'
import { bytesOf, type Vault, VaultError } from './vault.ts'

/** One subject that a connector asks about, for one delivery. */
export interface ResolveQuestion {
  readonly subjectId: SubjectId
  readonly deliveryId?: DeliveryId
}

/** One identifier in the form that the policy grants. */
export interface HandedIdentifier {
  readonly kind: Identifier['kind']
  readonly form: string
  readonly value: string
  /** Made by a rule that the vendor has given up; see `ResolvedIdentifier` in the proto. */
  readonly former?: true
}

/** What a connector is told about one subject. */
export interface Resolved {
  readonly subjectId: SubjectId
  /** `unreadable`: a row of the subject is damaged. What opens is not handed over either: a part would pass for the whole. */
  readonly standing: 'active' | 'merged' | 'erased' | 'unknown' | 'unreadable'
  readonly identifiers: readonly HandedIdentifier[]
  readonly newestVersion: number
}

/** A subject as it stands in a read. */
interface Person {
  readonly row: ChangeRow | undefined
  readonly subject: SubjectRow | undefined
  /** Her own identifiers and those of whom she has absorbed: opened when somebody asks, once for all who share the read. */
  parts(): readonly (readonly Identifier[] | 'damaged')[]
}

const nobody: Person = { row: undefined, subject: undefined, parts: () => [] }

// Recipients that are told of one change ask for the same subjects at nearly the same time.
const gatherMs = 20

function onceOnly<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

const digest = (name: 'sha256' | 'sha512' | 'sha1' | 'md5', text: string): Uint8Array => hash(name, text, 'buffer')

/**
 * What the policy grants a recipient of these identifiers: only the kinds it names, only in the forms it names, each value once. Pure.
 */
export function handedTo(recipient: Recipient, identifiers: readonly Identifier[]): HandedIdentifier[] {
  const handed = new Map<string, HandedIdentifier>()
  for (const { kind, form } of recipient.grants) {
    for (const identifier of identifiers) {
      if (identifier.kind !== kind) continue
      // the first is made by the rule of today
      for (const [index, value] of deriveForm(kind, identifier.value, form, digest).entries()) {
        const once = `${kind} ${form} ${value}`
        // what one address has by a former rule another may have by the rule of today
        if (index === 0) handed.set(once, { kind, form, value })
        else if (!handed.has(once)) handed.set(once, { kind, form, value, former: true })
      }
    }
  }
  return [...handed.values()]
}

/** How many values of each kind and form were handed over. */
export function formsOf(handed: readonly HandedIdentifier[]): DisclosedForms {
  const counts = new Map<string, { kind: Identifier['kind']; form: string; count: number }>()
  for (const { kind, form } of handed) {
    const key = `${kind} ${form}`
    const counted = counts.get(key)
    if (counted === undefined) counts.set(key, { kind, form, count: 1 })
    else counted.count += 1
  }
  return [...counts.values()]
}

/** How identifiers are handed over, where it is not to a connector that sends them. */
export interface ResolveOptions {
  /** The kinds only: every value is empty, and nothing is recorded, since nothing is handed over. */
  readonly withoutValues?: boolean
  /** The role and the person of the company who gets them. */
  readonly handedTo?: HandedTo
}

/** Hands identifiers to recipients. */
export interface Resolver {
  /**
   * The identifiers of each subject in the forms that the policy grants the recipient, in the order of the questions. When it resolves, each hand-over is
   * recorded as a disclosure; where that cannot be done nothing is handed over.
   */
  resolve(recipient: Recipient, questions: readonly ResolveQuestion[], caller: string, options?: ResolveOptions): Promise<Resolved[]>
}

export function resolver(options: {
  readonly acts: Pick<GroupCommit<ActRow>, 'insert'>
  readonly directory: Directory
  readonly journal: Journal
  readonly vault: Vault
  readonly policyVersion: string
  readonly clock: Clock
  readonly log: Logger
  /** Called after a disclosure became durable. */
  readonly recorded: () => void
}): Resolver {
  const { acts, directory, journal, vault, policyVersion, clock, log, recorded } = options

  /** The identifiers of one owner, opened, or that they are damaged. The data key is opened for that and forgotten. */
  const opened = (subject: SubjectRow | undefined, owned: readonly IdentifierRow[]): readonly Identifier[] | 'damaged' => {
    if (subject?.dataKey === undefined || owned.length === 0) return []
    const { _id: subjectId, dataKey } = subject
    // in a fixed order, so that a repeat hands over the same list
    const sorted = owned.toSorted((one, other) => one.linkedAt.getTime() - other.linkedAt.getTime() || (one._id < other._id ? -1 : 1))
    try {
      const key = vault.openDataKey(subjectId, { kek: dataKey.kek, sealed: bytesOf(dataKey.sealed) })
      return sorted.map(({ kind, sealed }) => vault.open(key, subjectId, kind, bytesOf(sealed)))
    } catch (thrown) {
      // a key that is not configured is a fault of the service, and concerns all that it wrapped: the call fails and is repeated
      if (!(thrown instanceof VaultError) || thrown.reason !== 'vault.damaged') throw thrown
      log.error({ subjectId, error: thrown }, 'vault.unreadable')
      return 'damaged'
    }
  }

  const rowsOf = (owners: readonly SubjectId[]) => Promise.all([directory.subjects(owners), directory.identifiers(owners)])

  const people = batchReader<SubjectId, Person>({
    maxKeys: 1_000,
    concurrency: 4,
    gatherMs,
    read: async (subjectIds) => {
      const [newest, [subjects, identifiersOf]] = await Promise.all([journal.newest(subjectIds), rowsOf(subjectIds)])
      // hardly anybody has absorbed another one
      const [absorbed, theirs] = await rowsOf(subjectIds.flatMap((id) => newest.get(id)?.absorbs ?? []))
      const openedOf = (id: SubjectId) => opened(subjects.get(id) ?? absorbed.get(id), identifiersOf.get(id) ?? theirs.get(id) ?? [])
      return new Map(
        subjectIds.map((subjectId): [SubjectId, Person] => {
          const row = newest.get(subjectId)
          const parts = onceOnly(() => [subjectId, ...(row?.absorbs ?? [])].map(openedOf))
          return [subjectId, { row, subject: subjects.get(subjectId), parts }]
        }),
      )
    },
  })

  return {
    async resolve(recipient, questions, caller, { withoutValues = false, handedTo: person } = {}) {
      const subjectIds = [...new Set(questions.map(({ subjectId }) => subjectId))]
      const known = await people.load(subjectIds)
      const answers = new Map<SubjectId, Resolved>()
      for (const subjectId of subjectIds) {
        const { row, subject, parts } = known.get(subjectId) ?? nobody
        const newestVersion = row?.version ?? 0
        const answer = (standing: Resolved['standing'], identifiers: readonly HandedIdentifier[] = []) =>
          answers.set(subjectId, { subjectId, standing, identifiers, newestVersion })
        if (subject === undefined) answer('unknown')
        else if (subject.erasedAt !== undefined) answer('erased')
        else if (row?.mergedInto !== undefined) answer('merged')
        else {
          const all = parts()
          const readable = all.filter((part) => part !== 'damaged')
          if (readable.length < all.length) answer('unreadable')
          else answer('active', handedTo(recipient, readable.flat()))
        }
      }
      const answersInOrder = () =>
        questions.map(
          ({ subjectId }) => answers.get(subjectId) ?? { subjectId, standing: 'unknown' as const, identifiers: [], newestVersion: 0 },
        )
      if (withoutValues) {
        return answersInOrder().map((answer) => ({ ...answer, identifiers: answer.identifiers.map((one) => ({ ...one, value: '' })) }))
      }
      const handed = questions.flatMap(({ subjectId, deliveryId }) => {
        const identifiers = answers.get(subjectId)?.identifiers ?? []
        return identifiers.length === 0
          ? []
          : [{ subjectId, ...(deliveryId === undefined ? {} : { deliveryId }), forms: formsOf(identifiers) }]
      })
      if (handed.length > 0) {
        const row: DisclosureRow = {
          _id: `disclosure/${randomUUID()}`,
          type: 'heed.disclosure.made.v1',
          at: new Date(clock.now()),
          by: caller,
          publishedAt: null,
          recipientId: recipient.id,
          policyVersion,
          ...(person === undefined ? {} : { handedTo: person }),
          ...disclosureOf(handed),
        }
        // before the answer leaves: what cannot be recorded is not handed over
        const outcome = await acts.insert(row)
        if (outcome !== 'inserted') throw new TypeError('an act has an id of its own')
        recorded()
      }
      return answersInOrder()
    },
  }
}
