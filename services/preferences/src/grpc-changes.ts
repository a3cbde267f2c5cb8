import { randomUUID } from 'node:crypto'
import { toTimestamp } from '@heed/contracts'
import type { LinkIdentifiersRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/LinkIdentifiersRequest.ts'
import type { LinkIdentifiersResponse } from '@heed/contracts/gen/heed/preferences/v1/LinkIdentifiersResponse.ts'
import type { SetPreferencesRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesRequest.ts'
import type { SetPreferencesResponse } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesResponse.ts'
import type { StreamPreferencesRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/StreamPreferencesRequest.ts'
import type { StreamPreferencesResponse } from '@heed/contracts/gen/heed/preferences/v1/StreamPreferencesResponse.ts'
import { type CallContext, GrpcFault, status } from '@heed/platform/grpc'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import type { IdentifiersLinkedRow } from './acts.ts'
import type { DoorContext } from './door.ts'
import { reusedRequestId } from './faults.ts'
import type { Intake } from './intake.ts'
import type { Linked, Linker } from './link-identifiers.ts'
import { orderedWindow } from './ordered-window.ts'
import type { Accepted } from './request-memory.ts'
import { type LinkRequest, parseLink, parseSet } from './requests.ts'
import type { RequestRow, Store } from './rows.ts'

/** What the changing calls need. */
export interface ChangesApi {
  readonly door: DoorContext
  readonly intake: Intake
  readonly linker: Linker
  readonly store: Store
  readonly now: () => number
  readonly recorded: () => void
  readonly counted: (outcome: 'changed' | 'unchanged' | 'refused') => void
}

/** How many items of one stream are worked on at a time: further ones are not read until an answer has left. */
export const streamWindow = 512

function acceptedResponse({ subjectId, version, changeId, changed, acceptedAt }: Accepted): SetPreferencesResponse {
  return { subjectId, version, changeId: version === 0 ? '' : changeId, changed, acceptedAt: toTimestamp(acceptedAt) }
}

// A stream goes on after an item that is wrong, and ends with a fault of ours: its caller sends what is unanswered again.
function isItemsOwnFault(thrown: unknown): thrown is GrpcFault {
  return thrown instanceof GrpcFault && thrown.code !== status.UNAVAILABLE && thrown.code !== status.INTERNAL
}

/** SetPreferences, StreamPreferences and LinkIdentifiers. */
export function changeHandlers(api: ChangesApi) {
  const { door, intake, linker, store, now, recorded, counted } = api

  const set = async (request: SetPreferencesRequest__Output | null, caller: string): Promise<SetPreferencesResponse> => {
    try {
      const accepted = await intake.submit(parseSet(request, caller, door))
      counted(accepted.changed ? 'changed' : 'unchanged')
      return acceptedResponse(accepted)
    } catch (thrown) {
      if (isItemsOwnFault(thrown)) counted('refused')
      throw thrown
    }
  }

  const setItem = async (item: SetPreferencesRequest__Output | null, caller: string): Promise<StreamPreferencesResponse> => {
    const requestId = item?.requestId ?? ''
    try {
      return { requestId, accepted: await set(item, caller) }
    } catch (thrown) {
      if (!isItemsOwnFault(thrown)) throw thrown
      const { code, reason, message, violations } = thrown
      return { requestId, refused: { code, reason, message, violations: [...violations] } }
    }
  }

  return {
    SetPreferences: (request: SetPreferencesRequest__Output, context: CallContext): Promise<SetPreferencesResponse> =>
      set(request, context.caller.id),

    StreamPreferences: (
      requests: AsyncIterable<StreamPreferencesRequest__Output>,
      context: CallContext,
    ): AsyncIterable<StreamPreferencesResponse> => orderedWindow(requests, streamWindow, ({ item }) => setItem(item, context.caller.id)),

    LinkIdentifiers: async (request: LinkIdentifiersRequest__Output, context: CallContext): Promise<LinkIdentifiersResponse> => {
      const caller = context.caller.id
      const link = parseLink(request, caller, door)
      const before = await earlierAnswer(store, link)
      if (before !== undefined) return before
      const linked = await linker.link(link.ref, link.identifiers, link.origin)
      await recordLink(store, link, linked, caller, now())
      recorded()
      return linkedResponse(linked)
    },
  }
}

function linkedResponse({ subjectId, version, changeId, added, merged }: Linked): LinkIdentifiersResponse {
  return { subjectId, version, changeId: changeId ?? '', added: added.length, mergedSubjectIds: [...merged] }
}

async function earlierAnswer(store: Store, link: LinkRequest): Promise<LinkIdentifiersResponse | undefined> {
  const [answered, journalled] = await Promise.all([
    store.requests.findOne({ _id: link.rowId }),
    store.changes.findOne({ _id: link.rowId }, { projection: { body: 1 } }),
  ])
  if (answered === null && journalled === null) return undefined
  if (answered?.body !== link.body) throw reusedRequestId()
  const { subjectId, version, changeId, added, merged } = answered.answer
  return { subjectId, version, changeId: changeId ?? '', added: added ?? 0, mergedSubjectIds: [...(merged ?? [])] }
}

/** The act first: a crash in between repeats the whole link, which is harmless, and never forgets the act. */
async function recordLink(store: Store, link: LinkRequest, linked: Linked, caller: string, now: number): Promise<void> {
  const { subjectId, version, changeId, added, merged } = linked
  if (added.length > 0 || merged.length > 0) {
    const row: IdentifiersLinkedRow = {
      _id: `linked/${randomUUID()}`,
      type: 'heed.identifiers.linked.v1',
      at: new Date(now),
      by: caller,
      publishedAt: null,
      subjectId,
      kinds: [...new Set(added)],
      mergedSubjectIds: merged,
    }
    await store.acts.insertOne(row)
  }
  const answer: RequestRow = {
    _id: link.rowId,
    body: link.body,
    at: new Date(now),
    answer: { subjectId, version, acceptedAt: now, added: added.length, merged, ...(changeId === undefined ? {} : { changeId }) },
  }
  try {
    await store.requests.insertOne(answer)
  } catch (thrown) {
    // the same call at the same time: both did the same
    if (duplicateKeyIndex(thrown) === undefined) throw thrown
  }
}
