import { fromTimestamp, originWords } from '@heed/contracts'
import type { ResolveIdentifiersRequest__Output } from '@heed/contracts/gen/heed/identifiers/v1/ResolveIdentifiersRequest.ts'
import type { LinkIdentifiersRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/LinkIdentifiersRequest.ts'
import type { SetPreferencesRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesRequest.ts'
import type { UnsubscribeLinkUse__Output } from '@heed/contracts/gen/heed/preferences/v1/UnsubscribeLinkUse.ts'
import { type DeliveryId, type Origin, parseDeliveryId, parsePurposeKey, type RecipientId } from '@heed/domain'
import type { ClaimedIdentifier } from './directory.ts'
import { bodyHash, Door, type DoorContext, type PersonRef, refText, requestRowId } from './door.ts'
import type { IntakeItem } from './intake-work.ts'
import type { ResolveQuestion } from './resolve-identifiers.ts'
import type { LinkUse } from './unsubscribe-links.ts'

/** A request to change choices, checked. Throws INVALID_ARGUMENT with every field that is wrong. */
export function parseSet(request: SetPreferencesRequest__Output | null, caller: string, context: DoorContext): IntakeItem {
  const door = new Door(context)
  if (request === null) {
    door.refuse('item', 'a message of the stream carries an item', 'EMPTY')
    door.done()
    throw new Error('unreachable')
  }
  const requestId = door.requestId('request_id', request.requestId)
  const ref = door.person('subject', request.subject)
  const requested = door.choices('choices', request.choices)
  const evidence = door.evidence('evidence', request.evidence)
  const reference = door.reference('origin_reference', request.originReference)
  const origin = door.origin('origin', request.origin, caller, reference)
  const { expectedVersion } = request
  if (expectedVersion < 0 || !Number.isSafeInteger(expectedVersion))
    door.refuse('expected_version', 'a version is 1 or more; leave it out to set no condition')
  door.done()
  if (ref === undefined) throw new Error('unreachable')
  const wishes = requested.map(({ key, choice }) => `${key} ${choice}`).sort()
  return {
    rowId: requestRowId(caller, requestId),
    body: bodyHash(['set', refText(ref), wishes, evidence ?? 0, origin.kind, reference ?? '', expectedVersion]),
    ref,
    requested,
    ...(evidence === undefined ? {} : { evidence }),
    origin,
    ...(expectedVersion === 0 ? {} : { expectedVersion }),
  }
}

/** A request to link identifiers, checked. */
export interface LinkRequest {
  readonly rowId: string
  readonly body: string
  readonly ref: PersonRef
  readonly identifiers: readonly ClaimedIdentifier[]
  readonly origin: Origin
}

export function parseLink(request: LinkIdentifiersRequest__Output, caller: string, context: DoorContext): LinkRequest {
  const door = new Door(context)
  const requestId = door.requestId('request_id', request.requestId)
  const ref = door.person('subject', request.subject)
  const identifiers = new Map<string, ClaimedIdentifier>()
  if (door.count('identifiers', request.identifiers, 1, 32)) {
    for (const [index, given] of request.identifiers.entries()) {
      const read = door.identifier(`identifiers[${index}]`, given)
      if (read !== undefined) identifiers.set(read.lookupId, read)
    }
  }
  const reference = door.reference('origin_reference', request.originReference)
  const origin = door.origin('origin', request.origin, caller, reference)
  door.done()
  if (ref === undefined) throw new Error('unreachable')
  return {
    rowId: requestRowId(caller, requestId),
    body: bodyHash(['link', refText(ref), [...identifiers.keys()].sort(), origin.kind, reference ?? '']),
    ref,
    identifiers: [...identifiers.values()],
    origin,
  }
}

/** Clicks that the edge sends, checked. */
export function parseUses(uses: readonly UnsubscribeLinkUse__Output[], context: DoorContext): LinkUse[] {
  const door = new Door(context)
  const parsed: LinkUse[] = []
  if (door.count('uses', uses, 1, 500)) {
    for (const [index, use] of uses.entries()) {
      const field = (name: string) => `uses[${index}].${name}`
      const requestId = door.requestId(field('request_id'), use.requestId)
      const scope = use.scope === 'all' ? 'all' : parsePurposeKey(use.scope)
      const method = originWords.toDomain(use.method)
      const usedAt = fromTimestamp(use.usedAt)
      if (!/^[0-9a-f]{32}$/.test(use.linkRef)) door.refuse(field('link_ref'), 'a link reference is 32 hex digits')
      if (scope === undefined) door.refuse(field('scope'), 'all, or the key of a purpose or topic')
      if (!/^[0-9a-f]{8}$/.test(use.tokenFingerprint)) door.refuse(field('token_fingerprint'), '8 hex digits')
      if (!/^[A-Za-z0-9_-]{1,16}$/.test(use.keyId)) door.refuse(field('key_id'), 'the id of a link key')
      if (usedAt === undefined || usedAt < 0) door.refuse(field('used_at'), 'say when the link was used')
      if (method !== 'one-click' && method !== 'preference-page' && method !== 'mailto') {
        door.refuse(field('method'), 'ORIGIN_KIND_ONE_CLICK, ORIGIN_KIND_PREFERENCE_PAGE or ORIGIN_KIND_MAILTO')
      } else if (scope !== undefined && usedAt !== undefined) {
        parsed.push({ linkRef: use.linkRef, scope, method, tokenFingerprint: use.tokenFingerprint, keyId: use.keyId, usedAt, requestId })
      }
    }
  }
  door.done()
  return parsed
}

/** What a connector asks, checked. */
export function parseResolve(
  request: ResolveIdentifiersRequest__Output,
  recipientId: RecipientId,
  context: DoorContext,
): ResolveQuestion[] {
  const door = new Door(context)
  const questions: ResolveQuestion[] = []
  if (door.count('items', request.items, 1, 10_000)) {
    for (const [index, item] of request.items.entries()) {
      const subjectId = door.subjectId(`items[${index}].subject_id`, item.subjectId)
      const delivery = item.deliveryId === '' ? undefined : parseDeliveryId(item.deliveryId)
      if (item.deliveryId !== '' && (delivery?.recipientId !== recipientId || delivery.subjectId !== subjectId)) {
        door.refuse(`items[${index}].delivery_id`, 'the id of a delivery to this recipient about this subject')
      }
      if (subjectId !== undefined)
        questions.push({ subjectId, ...(delivery === undefined ? {} : { deliveryId: item.deliveryId as DeliveryId }) })
    }
  }
  door.done()
  return questions
}
