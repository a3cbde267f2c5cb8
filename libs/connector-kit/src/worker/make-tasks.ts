import type { Outcome } from '@heed/domain'
import type { Descriptor, Task } from '../contract.ts'
import type { IdentifierDirectory, ResolvedSubject } from '../identifiers.ts'
import { deliveryOfRow, type InboxRow } from '../inbox/row.ts'

/** What a row, or a row as a batch has recorded it, says of a task. */
export type TaskSource = Pick<
  InboxRow,
  'recipientId' | 'subjectId' | 'version' | 'assertion' | 'kind' | 'wanted' | 'changed' | 'evidence' | 'acceptedAt' | 'unknown' | 'skips'
>

/** What becomes of a source before anything is sent. */
export type Prepared =
  | { readonly kind: 'task'; readonly task: Task }
  /** Nothing can be told: its duty ends. */
  | { readonly kind: 'closed'; readonly outcome: Outcome }
  /** The subject's identifiers are damaged where they are kept: a person has to mend them. */
  | { readonly kind: 'unreadable' }
  /** A newer version of the subject is on its way and may well concern this recipient. */
  | { readonly kind: 'skipped' }

/** So often a row waits for a newer version that may not concern its recipient at all. */
const maxSkips = 2

function preparedOf(source: TaskSource, subject: ResolvedSubject | undefined, descriptor: Descriptor): Prepared {
  const { recipientId, subjectId, version, assertion, kind, wanted, changed, evidence, acceptedAt } = source
  const identifiers = (subject?.identifiers ?? [])
    .filter((identifier) => descriptor.identifiers.includes(identifier.kind))
    // best first, as the descriptor orders them; otherwise always the same order, so that the same plan comes of it
    .sort(
      (a, b) =>
        descriptor.identifiers.indexOf(a.kind) - descriptor.identifiers.indexOf(b.kind) ||
        (a.value < b.value ? -1 : a.value > b.value ? 1 : 0),
    )
  if (subject !== undefined) {
    if (subject.standing === 'merged') return { kind: 'closed', outcome: { kind: 'notApplicable', reason: 'not-applicable.merged' } }
    if (subject.standing === 'unreadable') return { kind: 'unreadable' }
    // an erasure is told with the identifiers that are still resolved for it
    if (subject.standing === 'erased' && (kind !== 'erasure' || identifiers.length === 0)) {
      return { kind: 'closed', outcome: { kind: 'notApplicable', reason: 'not-applicable.erased' } }
    }
    if (identifiers.length === 0) return { kind: 'closed', outcome: { kind: 'notApplicable', reason: 'not-applicable.no-identifier' } }
    if (subject.newestVersion > version && source.skips < maxSkips) return { kind: 'skipped' }
  }
  return {
    kind: 'task',
    task: {
      deliveryId: deliveryOfRow(source),
      recipientId,
      subjectId,
      version,
      assertion,
      kind,
      wanted,
      changed,
      evidence,
      identifiers,
      acceptedAt,
      unknownBefore: source.unknown,
    },
  }
}

/** Adds identifiers to what is to be sent; one result for each source, in their order. The identifiers are those of this moment. */
export async function makeTasks(
  sources: readonly TaskSource[],
  descriptor: Descriptor,
  directory: IdentifierDirectory,
): Promise<Prepared[]> {
  const [first] = sources
  if (first === undefined) return []
  // a kind that acts on no identifier is given none
  if (descriptor.identifiers.length === 0) return sources.map((source) => preparedOf(source, undefined, descriptor))
  const subjects = await directory.resolve(
    first.recipientId,
    sources.map((source) => ({ subjectId: source.subjectId, deliveryId: deliveryOfRow(source) })),
    { withoutValues: descriptor.withoutValues === true },
  )
  return sources.map((source, index) =>
    preparedOf(source, subjects[index] ?? { standing: 'unknown', identifiers: [], newestVersion: 0 }, descriptor),
  )
}
