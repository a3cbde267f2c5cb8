import type { EventData } from '@heed/contracts'
import { findRecipient, type IdentifierKind, type Policy, type RecipientId, type SubjectId } from '@heed/domain'
import type { AuditStore } from './audit-store.ts'

/** One hand-over as the trail has it. */
export type HandOver = Pick<EventData<'heed.disclosure.made.v1'>, 'at' | 'recipientId' | 'identifiers' | 'policyVersion'>

/** One kind of identifier in one form, as it was handed to one recipient. */
export interface DisclosedKind {
  readonly kind: IdentifierKind
  readonly form: string
  readonly times: number
  readonly mostAtOnce: number
  readonly firstAt: number
  readonly lastAt: number
}

/** What one recipient was handed. */
export interface DisclosedTo {
  readonly recipientId: RecipientId
  /** Title, role, clause and words of the policy in force; absent where it no longer names the recipient. */
  readonly named?: {
    readonly title: string
    readonly role: string
    readonly clause: string
    readonly quote: string
    readonly purposes: readonly string[]
  }
  readonly kinds: readonly DisclosedKind[]
  readonly times: number
  readonly firstAt: number
  readonly lastAt: number
  readonly policyVersions: readonly string[]
}

/** Gathers hand-overs of one person, in whatever order they come. */
export class DisclosureGatherer {
  readonly #byRecipient = new Map<
    string,
    { times: number; firstAt: number; lastAt: number; versions: Set<string>; kinds: Map<string, DisclosedKind> }
  >()

  add({ at, recipientId, identifiers, policyVersion }: HandOver): void {
    let held = this.#byRecipient.get(recipientId)
    if (held === undefined) {
      held = { times: 0, firstAt: at, lastAt: at, versions: new Set(), kinds: new Map() }
      this.#byRecipient.set(recipientId, held)
    }
    held.times += 1
    held.firstAt = Math.min(held.firstAt, at)
    held.lastAt = Math.max(held.lastAt, at)
    held.versions.add(policyVersion)
    for (const { kind, form, count } of identifiers) {
      const key = `${kind} ${form}`
      const known = held.kinds.get(key)
      held.kinds.set(key, {
        kind,
        form,
        times: (known?.times ?? 0) + 1,
        mostAtOnce: Math.max(known?.mostAtOnce ?? 0, count),
        firstAt: Math.min(known?.firstAt ?? at, at),
        lastAt: Math.max(known?.lastAt ?? at, at),
      })
    }
  }

  /** By recipient, in the order of the policy; recipients that it no longer names come last, by name. */
  result(policy: Policy): DisclosedTo[] {
    const places = new Map(policy.recipients.map(({ id }, index) => [id as string, index]))
    const place = (id: string) => places.get(id) ?? places.size
    return [...this.#byRecipient]
      .sort(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1))
      .map(([id, { times, firstAt, lastAt, versions, kinds }]) => {
        const recipientId = id as RecipientId
        const recipient = findRecipient(policy, recipientId)
        return {
          recipientId,
          ...(recipient === undefined
            ? {}
            : {
                named: {
                  title: recipient.title,
                  role: recipient.role,
                  clause: recipient.clause,
                  quote: recipient.quote,
                  purposes: recipient.purposes,
                },
              }),
          kinds: [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, kind]) => kind),
          times,
          firstAt,
          lastAt,
          policyVersions: [...versions].sort(),
        }
      })
  }
}

const longestChain = 64

/** Everything that is one person: the subject that stands for her now, and those that were merged into it. Undefined where the trail knows none of it. */
export async function personOf(
  store: Pick<AuditStore, 'changes' | 'entries'>,
  asked: SubjectId,
): Promise<{ readonly subjectId: SubjectId; readonly merged: readonly SubjectId[] } | undefined> {
  let subjectId = asked
  for (let hops = 0; hops < longestChain; hops += 1) {
    const end = await store.changes.findOne(
      { subjectId, mergedInto: { $exists: true } },
      { projection: { mergedInto: 1 }, hint: 'merged-from' },
    )
    if (end?.mergedInto === undefined) break
    subjectId = end.mergedInto
  }
  const merged = new Set<SubjectId>()
  let last: readonly SubjectId[] = [subjectId]
  while (last.length > 0) {
    const rows = await store.changes.find({ mergedInto: { $in: [...last] } }, { projection: { subjectId: 1 }, hint: 'merged' }).toArray()
    last = [...new Set(rows.map((row) => row.subjectId))].filter((id) => id !== subjectId && !merged.has(id))
    for (const id of last) merged.add(id)
  }
  const known = await store.entries.findOne({ subjectId: { $in: [subjectId, ...merged] } }, { projection: { _id: 1 }, hint: 'timeline' })
  return known === null ? undefined : { subjectId, merged: [...merged].sort() }
}

/** Every hand-over of these subjects in the trail, in the given calendar year (UTC) or ever. Read one by one: a person may have thousands. */
export async function gatherDisclosures(
  store: Pick<AuditStore, 'entries'>,
  subjectIds: readonly SubjectId[],
  year: number | undefined,
): Promise<DisclosureGatherer> {
  const gathered = new DisclosureGatherer()
  const within = year === undefined ? {} : { at: { $gte: Date.UTC(year, 0, 1), $lt: Date.UTC(year + 1, 0, 1) } }
  const rows = store.entries.find(
    { subjectId: { $in: [...subjectIds] }, kind: 'disclosure-made', ...within },
    { projection: { facts: 1 }, hint: 'timeline', batchSize: 1_000 },
  )
  for await (const { facts } of rows) {
    // of an entry that is being cleaned after an erasure nothing is told
    if (facts !== undefined) gathered.add(JSON.parse(facts) as HandOver)
  }
  return gathered
}
