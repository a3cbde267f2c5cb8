import type { Change, Choice, Delivery, Evidence, IdentifierKind, OriginKind } from '@heed/domain'
import type { EventData } from './events.ts'
import type { Timestamp__Output } from './gen/google/protobuf/Timestamp.ts'
import type { Choice__Output } from './gen/heed/common/v1/Choice.ts'
import type { EvidenceKind__Output } from './gen/heed/common/v1/EvidenceKind.ts'
import type { IdentifierKind__Output } from './gen/heed/common/v1/IdentifierKind.ts'
import type { OriginKind__Output } from './gen/heed/common/v1/OriginKind.ts'

/**
 * Words of the wire and words of the domain, one table for each. What the wire leaves unspecified is undefined here: the door decides what that means.
 */

function table<Wire extends string, Word extends string>(pairs: Record<Wire, Word | undefined>) {
  const back = new Map<Word, Wire>()
  for (const [wire, word] of Object.entries(pairs) as [Wire, Word | undefined][]) if (word !== undefined) back.set(word, wire)
  return {
    toDomain: (wire: Wire): Word | undefined => pairs[wire],
    toWire: (word: Word): Wire => {
      const wire = back.get(word)
      if (wire === undefined) throw new TypeError(`no word on the wire for ${word}`)
      return wire
    },
  }
}

/** `Choice` of the wire and of the domain. */
export const choiceWords = table<Choice__Output, Choice>({
  CHOICE_UNSPECIFIED: undefined,
  CHOICE_GRANTED: 'granted',
  CHOICE_DENIED: 'denied',
})

/** `IdentifierKind` of the wire and of the domain. */
export const identifierKindWords = table<IdentifierKind__Output, IdentifierKind>({
  IDENTIFIER_KIND_UNSPECIFIED: undefined,
  IDENTIFIER_KIND_EMAIL: 'email',
  IDENTIFIER_KIND_PHONE: 'phone',
  IDENTIFIER_KIND_USER_ID: 'user-id',
  IDENTIFIER_KIND_BROWSER_ID: 'browser-id',
  IDENTIFIER_KIND_APP_INSTANCE_ID: 'app-instance-id',
  IDENTIFIER_KIND_IDFA: 'idfa',
  IDENTIFIER_KIND_GAID: 'gaid',
  IDENTIFIER_KIND_LINKEDIN_CLICK_ID: 'linkedin-click-id',
  IDENTIFIER_KIND_X_CLICK_ID: 'x-click-id',
  IDENTIFIER_KIND_META_CLICK_ID: 'meta-click-id',
  IDENTIFIER_KIND_MICROSOFT_CLICK_ID: 'microsoft-click-id',
})

/** `OriginKind` of the wire and of the domain; an unspecified origin is `unknown` and can only deny. */
export const originWords = table<OriginKind__Output, OriginKind>({
  ORIGIN_KIND_UNSPECIFIED: 'unknown',
  ORIGIN_KIND_PERSON: 'person',
  ORIGIN_KIND_ONE_CLICK: 'one-click',
  ORIGIN_KIND_PREFERENCE_PAGE: 'preference-page',
  ORIGIN_KIND_MAILTO: 'mailto',
  ORIGIN_KIND_INTERNAL_SERVICE: 'internal-service',
  ORIGIN_KIND_VENDOR: 'vendor',
  ORIGIN_KIND_IMPORT: 'import',
  ORIGIN_KIND_OPERATOR: 'operator',
})

/** `EvidenceKind` of the wire and of the domain. */
export const evidenceKindWords = table<EvidenceKind__Output, Evidence['kind']>({
  EVIDENCE_KIND_UNSPECIFIED: undefined,
  EVIDENCE_KIND_FORM: 'form',
  EVIDENCE_KIND_DOUBLE_OPT_IN: 'double-opt-in',
  EVIDENCE_KIND_PREFERENCE_PAGE: 'preference-page',
  EVIDENCE_KIND_PHONE_CALL: 'phone-call',
  EVIDENCE_KIND_PAPER: 'paper',
  EVIDENCE_KIND_ACCOUNT_SETTING: 'account-setting',
})

/** Milliseconds since the epoch as a protobuf timestamp. */
export function toTimestamp(ms: number): { seconds: number; nanos: number } {
  const seconds = Math.floor(ms / 1000)
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) }
}

/** A protobuf timestamp as milliseconds since the epoch; undefined where it is absent. */
export function fromTimestamp(timestamp: Timestamp__Output | null | undefined): number | undefined {
  return timestamp == null ? undefined : timestamp.seconds * 1000 + Math.floor(timestamp.nanos / 1e6)
}

/** The event of a change. */
export function changeToEvent(change: Change): EventData<'heed.preference.changed.v1'> {
  const { snapshot } = change
  return {
    changeId: change.id,
    subjectId: snapshot.subjectId,
    version: snapshot.version,
    cause: change.cause,
    choices: snapshot.choices,
    changed: [...change.changed],
    linked: [...change.linked],
    ...(snapshot.mergedInto === undefined ? {} : { mergedInto: snapshot.mergedInto }),
    origin: change.origin,
    policyVersion: change.policyVersion,
    acceptedAt: change.acceptedAt,
  }
}

/** The change that an event tells of. */
export function changeFromEvent(data: EventData<'heed.preference.changed.v1'>): Change {
  return {
    id: data.changeId,
    snapshot: {
      subjectId: data.subjectId,
      version: data.version,
      choices: data.choices as Change['snapshot']['choices'],
      ...(data.mergedInto === undefined ? {} : { mergedInto: data.mergedInto }),
    },
    cause: data.cause,
    changed: data.changed,
    linked: data.linked,
    origin: data.origin as Change['origin'],
    policyVersion: data.policyVersion,
    acceptedAt: data.acceptedAt,
  }
}

/** The event of a delivery. */
export function deliveryToEvent(delivery: Delivery): EventData<'heed.delivery.requested.v1'> {
  const { id, ...rest } = delivery
  return { deliveryId: id, ...rest, changed: [...delivery.changed] }
}

/** The delivery that an event tells of. */
export function deliveryFromEvent(data: EventData<'heed.delivery.requested.v1'>): Delivery {
  const { deliveryId, ...rest } = data
  return { id: deliveryId, ...rest } as Delivery
}
