import { randomUUID } from 'node:crypto'
import type { Fact, Store } from '../frame/store.ts'

export type RequestType = 'OPT_OUT' | 'DELETION'
export type RequestStatus = 'ACCEPTED' | 'PROCESSING' | 'COMPLETED' | 'FAILED'

/** A privacy request as LiveRamp keeps it. */
export interface PrivacyRequest {
  readonly request_uuid: string
  readonly request_type: RequestType
  readonly organisation: string
  /** As it was given. */
  readonly address: string
  status: RequestStatus
  readonly date_received: string
  date_processed: string | null
  date_completed: string | null
  error_message: string | null
  /** How often the same was asked for. */
  asked: number
}

/** What LiveRamp believes about one person at one organisation. */
export interface LiverampBelief {
  readonly address: string
  readonly organisation: string
  /** Newest state of each kind of request. */
  readonly optOut: RequestStatus | 'none'
  readonly deletion: RequestStatus | 'none'
  /** Requests that are kept: a repeat adds none. */
  readonly requests: number
  readonly asked: number
}

/** All privacy requests. */
export interface PrivacyRequests {
  /** The request for this, and whether it is a repeat of one that is kept. */
  receive(asked: { type: RequestType; address: string; organisation: string }): { request: PrivacyRequest; isDuplicate: boolean }
  find(uuid: string, organisation: string): PrivacyRequest | undefined
  list(organisation: string): readonly PrivacyRequest[]
  changed(request: PrivacyRequest): void
  beliefs(): LiverampBelief[]
  about(address: string): LiverampBelief[]
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  clear(): void
}

const normal = (address: string): string => address.trim().toLowerCase()

/** No requests yet. Those of the same organisation, type and address are one. */
export function createPrivacyRequests(now: () => number, store: () => Store): PrivacyRequests {
  const byKey = new Map<string, PrivacyRequest>()
  const byUuid = new Map<string, PrivacyRequest>()
  const keyOf = (request: Pick<PrivacyRequest, 'organisation' | 'request_type' | 'address'>): string =>
    `${request.organisation}/${request.request_type}/${normal(request.address)}`
  const keep = (request: PrivacyRequest): void => {
    byKey.set(keyOf(request), request)
    byUuid.set(request.request_uuid, request)
  }
  const changed = (request: PrivacyRequest): void => store().put('request', request.request_uuid, request)
  const believed = (requests: readonly PrivacyRequest[]): LiverampBelief[] => {
    const people = new Map<string, PrivacyRequest[]>()
    for (const request of requests) {
      const key = `${request.organisation}/${normal(request.address)}`
      people.set(key, [...(people.get(key) ?? []), request])
    }
    return [...people.values()].map((own) => ({
      address: normal(own[0]?.address ?? ''),
      organisation: own[0]?.organisation ?? '',
      optOut: own.find(({ request_type }) => request_type === 'OPT_OUT')?.status ?? 'none',
      deletion: own.find(({ request_type }) => request_type === 'DELETION')?.status ?? 'none',
      requests: own.length,
      asked: own.reduce((sum, { asked }) => sum + asked, 0),
    }))
  }

  return {
    receive({ type, address, organisation }) {
      const known = byKey.get(keyOf({ organisation, request_type: type, address }))
      if (known !== undefined) {
        known.asked += 1
        changed(known)
        return { request: known, isDuplicate: true }
      }
      const request: PrivacyRequest = {
        request_uuid: randomUUID(),
        request_type: type,
        organisation,
        address,
        status: 'ACCEPTED',
        date_received: new Date(now()).toISOString(),
        date_processed: null,
        date_completed: null,
        error_message: null,
        asked: 1,
      }
      keep(request)
      changed(request)
      return { request, isDuplicate: false }
    },
    find(uuid, organisation) {
      const request = byUuid.get(uuid.toLowerCase())
      return request?.organisation === organisation ? request : undefined
    },
    list: (organisation) => [...byUuid.values()].filter((request) => request.organisation === organisation),
    changed,
    beliefs: () => believed([...byUuid.values()]),
    about: (address) => believed([...byUuid.values()].filter((request) => normal(request.address) === normal(address))),
    *facts() {
      for (const request of byUuid.values()) yield ['request', request.request_uuid, request]
    },
    restore([kind, , value]) {
      if (kind !== 'request') return false
      keep(value as PrivacyRequest)
      return true
    },
    clear() {
      for (const uuid of byUuid.keys()) store().remove('request', uuid)
      byKey.clear()
      byUuid.clear()
    },
  }
}
