import { type ActType, type EventData, encodeEvent, type WireRecord } from '@heed/contracts'
import type { ChangeId, DeliveryId, IdentifierKind, PurposeKey, RecipientId, SubjectId } from '@heed/domain'
import type { Destruction, ErasureCause, ErasureStage } from './erasure-rows.ts'

interface ActBase {
  /** The same act done twice has the same id. */
  readonly _id: string
  readonly at: Date
  /** The caller that acted, or this service. */
  readonly by: string
  /** Null until the broker has it. */
  readonly publishedAt: Date | null
}

/** Kinds and forms that were handed over together; never a value. */
export type DisclosedForms = readonly { readonly kind: IdentifierKind; readonly form: string; readonly count: number }[]

/** A person of the company who gets identifiers to do by hand what no connector can, and the role whose duty it is. */
export interface HandedTo {
  readonly role: string
  readonly person: string
}

/** One hand-over of identifiers: a row for a whole call, since most of its subjects have the same kinds. */
export interface DisclosureRow extends ActBase {
  readonly type: 'heed.disclosure.made.v1'
  readonly recipientId: RecipientId
  readonly policyVersion: string
  /** Absent where a connector got them. */
  readonly handedTo?: HandedTo
  /** The caller's reference of an upload that it was allowed. */
  readonly reference?: string
  /** Hash of the request's body, where a caller asked. */
  readonly body?: string
  /** The distinct lists of kinds and forms of this call. */
  readonly forms: readonly DisclosedForms[]
  /** Which subject got which list, by its place in `forms`. */
  readonly items: readonly { readonly subjectId: SubjectId; readonly deliveryId?: DeliveryId; readonly form: number }[]
}

export interface LinksMadeRow extends ActBase {
  readonly type: 'heed.link.made.v1'
  readonly purpose: PurposeKey
  readonly subjectIds: readonly SubjectId[]
}

/** A click. It comes again under the same id, perhaps in another row: the trail takes each id once. */
export interface LinkUse {
  readonly actId: string
  readonly at: Date
  readonly subjectId: SubjectId
  readonly scope: string
  readonly method: 'one-click' | 'preference-page' | 'mailto'
  readonly tokenFingerprint: string
  readonly keyId: string
  readonly changeId?: ChangeId
}

/** The clicks of one call. */
export interface LinksUsedRow extends ActBase {
  readonly type: 'heed.link.used.v1'
  readonly uses: readonly LinkUse[]
}

export interface IdentifiersLinkedRow extends ActBase {
  readonly type: 'heed.identifiers.linked.v1'
  readonly subjectId: SubjectId
  readonly kinds: readonly IdentifierKind[]
  readonly mergedSubjectIds: readonly SubjectId[]
}

export interface SubjectErasedRow extends ActBase {
  readonly type: 'heed.subject.erased.v1'
  readonly subjectId: SubjectId
  readonly stage: ErasureStage
  readonly cause: ErasureCause
  readonly reference: string
  readonly mergedSubjectIds: readonly SubjectId[]
  readonly changeId?: ChangeId
  readonly because?: Destruction['because']
  readonly openDeliveries?: number
  readonly identifiers?: Destruction['identifiers']
}

export interface SuppressionsImportedRow extends ActBase {
  readonly type: 'heed.suppressions.imported.v1'
  readonly reference: string
  readonly suppressed: number
  readonly known: number
  readonly denied: number
  readonly unchanged: number
  readonly refused: number
}

export interface PolicyLoadedRow extends ActBase {
  readonly type: 'heed.policy.loaded.v1'
  readonly policyId: string
  readonly policyVersion: string
  readonly sha256: string
}

export interface JournalCountedRow extends ActBase {
  readonly type: 'heed.journal.counted.v1'
  readonly position: number
  readonly changes: number
  readonly sha256: string
}

/** An act that is no change and no outcome but belongs in the trail, as it waits for the relay. */
export type ActRow =
  | DisclosureRow
  | LinksMadeRow
  | LinksUsedRow
  | IdentifiersLinkedRow
  | SubjectErasedRow
  | SuppressionsImportedRow
  | PolicyLoadedRow
  | JournalCountedRow

/** What stands in `ce_source` and, where the service itself acts, in `by`. */
export const source = 'services/preferences'

function record<Type extends ActType>(type: Type, key: string, data: EventData<Type>): WireRecord {
  return encodeEvent(type, key, data, { id: data.actId, source, time: data.at })
}

/** The records of an act: one for each subject that it concerns, under an id of its own that a repetition keeps. */
export function recordsOf(row: ActRow): WireRecord[] {
  const base = { actId: row._id, at: row.at.getTime(), by: row.by }
  switch (row.type) {
    case 'heed.disclosure.made.v1':
      return row.items.map(({ subjectId, deliveryId, form }, index) =>
        record(row.type, subjectId, {
          ...base,
          actId: `${row._id}/${index}`,
          subjectId,
          recipientId: row.recipientId,
          ...(deliveryId === undefined ? {} : { deliveryId }),
          identifiers: [...(row.forms[form] ?? [])],
          policyVersion: row.policyVersion,
          ...(row.handedTo === undefined ? {} : { handedTo: row.handedTo }),
          ...(row.reference === undefined ? {} : { reference: row.reference }),
        }),
      )
    case 'heed.link.made.v1':
      return row.subjectIds.map((subjectId, index) =>
        record(row.type, subjectId, { ...base, actId: `${row._id}/${index}`, subjectId, purpose: row.purpose }),
      )
    case 'heed.link.used.v1':
      return row.uses.map(({ actId, at, subjectId, scope, method, tokenFingerprint, keyId, changeId }) =>
        record(row.type, subjectId, {
          actId,
          at: at.getTime(),
          by: row.by,
          subjectId,
          scope,
          method,
          tokenFingerprint,
          keyId,
          ...(changeId === undefined ? {} : { changeId }),
        }),
      )
    case 'heed.identifiers.linked.v1':
      return [
        record(row.type, row.subjectId, {
          ...base,
          subjectId: row.subjectId,
          kinds: [...row.kinds],
          mergedSubjectIds: [...row.mergedSubjectIds],
        }),
      ]
    case 'heed.subject.erased.v1':
      return [
        record(row.type, row.subjectId, {
          ...base,
          subjectId: row.subjectId,
          stage: row.stage,
          cause: row.cause,
          reference: row.reference,
          mergedSubjectIds: [...row.mergedSubjectIds],
          ...(row.changeId === undefined ? {} : { changeId: row.changeId }),
          ...(row.because === undefined ? {} : { because: row.because }),
          ...(row.openDeliveries === undefined ? {} : { openDeliveries: row.openDeliveries }),
          ...(row.identifiers === undefined ? {} : { identifiers: [...row.identifiers] }),
        }),
      ]
    case 'heed.suppressions.imported.v1': {
      const { reference, suppressed, known, denied, unchanged, refused } = row
      return [record(row.type, row._id, { ...base, reference, suppressed, known, denied, unchanged, refused })]
    }
    case 'heed.policy.loaded.v1':
      return [
        record(row.type, row.policyId, {
          ...base,
          policyId: row.policyId,
          policyVersion: row.policyVersion,
          sha256: row.sha256,
          service: source,
        }),
      ]
    case 'heed.journal.counted.v1': {
      const { position, changes, sha256 } = row
      return [record(row.type, row._id, { ...base, position, changes, sha256 })]
    }
    default:
      return row satisfies never
  }
}

/** How many records an act will make. */
export function recordCount(row: ActRow): number {
  if (row.type === 'heed.disclosure.made.v1') return row.items.length
  if (row.type === 'heed.link.used.v1') return row.uses.length
  return row.type === 'heed.link.made.v1' ? row.subjectIds.length : 1
}

/** Gathers what one call hands over, with each distinct list of kinds kept once. */
export function disclosureOf(
  handed: readonly { readonly subjectId: SubjectId; readonly deliveryId?: DeliveryId; readonly forms: DisclosedForms }[],
): Pick<DisclosureRow, 'forms' | 'items'> {
  const forms: DisclosedForms[] = []
  const places = new Map<string, number>()
  const items = handed.map(({ subjectId, deliveryId, forms: list }) => {
    const text = JSON.stringify(list)
    const form = places.get(text) ?? forms.push(list) - 1
    places.set(text, form)
    return { subjectId, ...(deliveryId === undefined ? {} : { deliveryId }), form }
  })
  return { forms, items }
}
