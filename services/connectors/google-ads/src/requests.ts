import type { HttpRequest } from '@heed/connector-kit'
import type { DeliveryId } from '@heed/domain'
import { z } from 'zod'
import type { Action } from './members.ts'
import type { GoogleAdsSettings, ListKind } from './settings.ts'

/** The most destinations of one request. */
const maxDestinations = 10

/** A member and the delivery that it is sent for. */
export interface OwnedMember {
  readonly deliveryId: DeliveryId
  readonly member: unknown
}

/** What is kept of a request to read its answer. */
export const memberNote = z.object({
  destinations: z.number().int(),
  /** For each member the place of its delivery among those covered, or -1; absent where each is at its own place. */
  owners: z.array(z.number().int()).optional(),
  /** How many times members were taken out of it. */
  refusals: z.number().int(),
})

const body = z.looseObject({ audienceMembers: z.array(z.unknown()) })

function destinationsOf(kind: ListKind, settings: GoogleAdsSettings) {
  return settings.lists
    .filter(({ holds }) => holds === kind)
    .map(({ id, operatingAccount, loginAccount }) => {
      const login = loginAccount ?? (operatingAccount === undefined ? settings.loginAccount : undefined)
      return {
        ...(login === undefined ? {} : { loginAccount: login }),
        operatingAccount: operatingAccount ?? settings.operatingAccount,
        productDestinationId: id,
      }
    })
}

function slices<T>(all: readonly T[], size: number): T[][] {
  const parts: T[][] = []
  for (let from = 0; from < all.length; from += size) parts.push(all.slice(from, from + size))
  return parts
}

/** The requests that take these members off all lists of one kind, or put them on. */
export function memberRequests(
  action: Action,
  kind: ListKind,
  members: readonly OwnedMember[],
  settings: GoogleAdsSettings,
): HttpRequest[] {
  return slices(destinationsOf(kind, settings), maxDestinations).flatMap((destinations) =>
    slices(members, settings.membersPerRequest).map((some): HttpRequest => {
      const covers = [...new Set(some.map(({ deliveryId }) => deliveryId))]
      return {
        via: 'http',
        intent: 'assert',
        name: `members.${action}`,
        method: 'POST',
        path: `/v1/audienceMembers:${action}`,
        ...headersOf(settings),
        covers,
        note: { destinations: destinations.length, ...ownersOf(some, covers), refusals: 0 },
        body: {
          json: {
            destinations,
            audienceMembers: some.map(({ member }) => member),
            ...(kind === 'contact' ? { encoding: 'HEX' } : {}),
            ...(action === 'ingest' ? consentOf(kind) : {}),
            validateOnly: false,
          },
        },
      }
    }),
  )
}

/** A removal has neither of these. The terms are the customer's to accept; the vendor wants to hear it with every upload of personal data and device ids. */
function consentOf(kind: ListKind) {
  return {
    consent: { adUserData: 'CONSENT_GRANTED', adPersonalization: 'CONSENT_GRANTED' },
    ...(kind === 'user-id' ? {} : { termsOfService: { customerMatchTermsOfServiceStatus: 'ACCEPTED' } }),
  }
}

const headersOf = ({ project }: GoogleAdsSettings) => (project === undefined ? {} : { headers: { 'x-goog-user-project': project } })

/** Which member is whose: left out where each member is its own delivery, as it is for nearly everybody. */
function ownersOf(members: readonly Pick<OwnedMember, 'deliveryId'>[], covers: readonly DeliveryId[]) {
  const place = new Map(covers.map((deliveryId, index) => [deliveryId, index]))
  const owners = members.map(({ deliveryId }) => place.get(deliveryId) ?? -1)
  return owners.every((owner, index) => owner === index) ? {} : { owners }
}

/** The question where a request stands. */
export function statusRequest(requestId: string, note: unknown, covers: readonly DeliveryId[], settings: GoogleAdsSettings): HttpRequest {
  return {
    via: 'http',
    intent: 'follow',
    name: 'status.retrieve',
    method: 'GET',
    path: '/v1/requestStatus:retrieve',
    query: { requestId },
    ...headersOf(settings),
    covers,
    note,
  }
}

/** A request without some of its members. */
export interface Reduced {
  /** The deliveries whose members were taken out, and by which place. */
  readonly refused: ReadonlyMap<DeliveryId, number>
  /** What is left; undefined where nobody is. It still has the sound members of those who had a faulty one, without covering them. */
  readonly rest: HttpRequest | undefined
  /** How many times members were taken out before. */
  readonly refusals: number
}

/** Takes the members at these places out of a request. Undefined where it has none there, so that nothing would change. */
export function withoutMembers(request: HttpRequest, places: ReadonlySet<number>): Reduced | undefined {
  const note = memberNote.safeParse(request.note).data
  const json = request.body !== undefined && 'json' in request.body ? body.safeParse(request.body.json).data : undefined
  if (note === undefined || json === undefined) return undefined
  const owned = json.audienceMembers.map((member, index) => ({
    member,
    deliveryId: request.covers[note.owners === undefined ? index : (note.owners[index] ?? -1)],
  }))
  const refused = new Map<DeliveryId, number>()
  for (const [index, { deliveryId }] of owned.entries()) if (places.has(index) && deliveryId !== undefined) refused.set(deliveryId, index)
  const left = owned.filter((_, index) => !places.has(index))
  if (left.length === owned.length) return undefined
  const covers = request.covers.filter((deliveryId) => !refused.has(deliveryId))
  const place = new Map(covers.map((deliveryId, index) => [deliveryId, index]))
  const owners = left.map(({ deliveryId }) => (deliveryId === undefined ? -1 : (place.get(deliveryId) ?? -1)))
  const rest: HttpRequest = {
    ...request,
    covers,
    note: { destinations: note.destinations, owners, refusals: note.refusals + 1 },
    body: { json: { ...json, audienceMembers: left.map(({ member }) => member) } },
  }
  return { refused, rest: covers.length === 0 ? undefined : rest, refusals: note.refusals }
}
