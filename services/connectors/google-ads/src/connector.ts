import {
  type Connector,
  googleAuthentication,
  type HttpAnswer,
  type HttpRequest,
  httpTransport,
  type Interpretation,
  type Job,
  membershipOf,
  type NothingToSend,
  type PlannedRequest,
} from '@heed/connector-kit'
import type { DeliveryId, Outcome } from '@heed/domain'
import { z } from 'zod'
import { refusalOf, standingOf, troubleOf } from './answers.ts'
import { type Action, identifierKindsOf, membersOf } from './members.ts'
import { memberNote, memberRequests, type OwnedMember, statusRequest, withoutMembers } from './requests.ts'
import { type GoogleAdsSettings, type ListKind, listKinds, parseSettings } from './settings.ts'
import { jsonOf, vendorErrorOf } from './vendor-error.ts'

const scope = 'https://www.googleapis.com/auth/datamanager'
const secondsInHour = 3_600

/** Requests from which faulty members were taken out so often are left to the kit, which halves them. */
const maxRefusals = 10

const taken = z.object({ requestId: z.string().min(1).max(200), fieldWarnings: z.array(z.unknown()).optional().catch(undefined) })

/**
 * Customer Match lists of Google Ads and Display & Video, by the Data Manager API. People leave and join lists by requests that Google works off later: 200 means
 * that it will, and a status says at last whether it did.
 */
export const googleAds: Connector<GoogleAdsSettings> = {
  descriptor: (settings) => ({
    name: 'google-ads',
    docs: 'https://developers.google.com/data-manager/api/reference/rest/v1/audienceMembers/remove',
    identifiers: identifierKindsOf(new Set(settings.lists.map(({ holds }) => holds))),
    batch: {
      maxTasks: settings.membersPerRequest,
      inOneRequest: true,
      ...(settings.collectSeconds > 0 ? { collectSeconds: settings.collectSeconds } : {}),
    },
    rate: {
      concurrentRequests: settings.concurrentRequests,
      requestsPerMinute: settings.requestsPerMinute,
      requestsPerDay: settings.requestsPerDay,
    },
    confirmation: 'by-job',
    timeoutMs: 120_000,
    reassertEveryDays: 30,
    // from 5 s by a factor of 1.3 to 60 s, as the vendor asks
    retry: { scheduleSeconds: [5, 6.5, 8.5, 11, 14, 19, 24, 31, 41, 53, 60] },
    // a request without answer may be worked off as late as one with an answer, and a newer wish must not meet it there
    quietAfterUnknownSeconds: settings.firstPollSeconds,
    jobs: {
      maxPollSeconds: settings.maxPollHours * secondsInHour,
      giveUpAfterSeconds: settings.giveUpAfterHours * secondsInHour,
      // no order between two requests is promised
      newerMayOvertake: false,
    },
  }),
  parseSettings,
  // quotas are counted by Cloud project, whatever accounts it serves
  account: ({ credential, project }) => `google-data-manager:${project ?? credential}`,
  connect: (settings, { credentials, descriptor, clock }) =>
    httpTransport({
      baseUrl: settings.baseUrl,
      descriptor,
      authentication: googleAuthentication({
        credentials,
        credential: settings.credential,
        scope,
        clock,
        ...(settings.tokenUrl === undefined ? {} : { tokenUrl: settings.tokenUrl }),
      }),
    }),

  plan(tasks, settings) {
    const nothing: NothingToSend[] = []
    const kinds = listKinds.filter((kind) => settings.lists.some(({ holds }) => holds === kind))
    const members = new Map<`${Action} ${ListKind}`, OwnedMember[]>()
    const put = (action: Action, kind: ListKind, owned: OwnedMember[]) => {
      const known = members.get(`${action} ${kind}`)
      if (known === undefined) members.set(`${action} ${kind}`, owned)
      else known.push(...owned)
    }
    for (const task of tasks) {
      const { deliveryId } = task
      const membership = membershipOf(task)
      if (membership === 'unsaid') {
        nothing.push(without(deliveryId, { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' }))
        continue
      }
      const action = membership === 'out' ? 'remove' : 'ingest'
      const own = kinds.map((kind) => ({ kind, some: membersOf(task, kind, action).map((member) => ({ deliveryId, member })) }))
      // one that Google would not take would have the whole request refused: a person looks at it
      if (own.every(({ some }) => some.length === 0))
        nothing.push(without(deliveryId, { kind: 'rejected', reason: 'item.no-usable-identifier' }))
      else for (const { kind, some } of own) put(action, kind, some)
    }
    const requests = (['remove', 'ingest'] as const).flatMap((action) =>
      kinds.flatMap((kind) => memberRequests(action, kind, members.get(`${action} ${kind}`) ?? [], settings)),
    )
    return [...nothing, ...requests]
  },

  interpret(request, answer, settings) {
    if (request.via !== 'http' || answer.via !== 'http') return { outcomes: [] }
    return request.intent === 'follow' ? interpretStatus(request, answer, settings) : interpretTaken(request, answer, settings)
  },

  follow: (job, covers, settings) => statusRequest(job.id, job.note, covers, settings),
}

const without = (deliveryId: DeliveryId, outcome: Outcome): NothingToSend => ({ via: 'nothing', covers: [deliveryId], outcome })

const forAll = (request: PlannedRequest, outcome: Outcome) => request.covers.map((deliveryId) => ({ deliveryId, outcome }))

const named = (trace: string | undefined): Pick<Interpretation, 'trace'> =>
  trace !== undefined && /^[A-Za-z0-9._:-]{1,100}$/.test(trace) ? { trace } : {}

function interpretTaken(request: HttpRequest, answer: HttpAnswer, settings: GoogleAdsSettings): Interpretation {
  const json = jsonOf(answer.body)
  const accepted = answer.status === 200 ? taken.safeParse(json).data : undefined
  if (accepted !== undefined) {
    const { requestId, fieldWarnings = [] } = accepted
    const { destinations = 1 } = memberNote.safeParse(request.note).data ?? {}
    const job: Job = { id: requestId, pollAfterSeconds: settings.firstPollSeconds, note: { destinations } }
    const receipt: Outcome = { kind: 'accepted', final: false, receipt: requestId }
    // warnings are no errors; how many there were stands beside the id by which the vendor's support finds them
    return {
      outcomes: forAll(request, receipt),
      job,
      ...named(fieldWarnings.length === 0 ? requestId : `${requestId}:warnings-${fieldWarnings.length}`),
    }
  }
  const error = vendorErrorOf(json)
  const trace = named(error?.requestId)
  if (answer.status === 400 && json !== undefined) return { ...interpretRefusal(request, refusalOf(error)), ...trace }
  return { outcomes: forAll(request, { kind: 'deferred', ...troubleOf(answer, error) }), ...trace }
}

/** A request is taken as a whole or not at all: faulty members are set aside, and the others go once more at once. */
function interpretRefusal(request: HttpRequest, refusal: ReturnType<typeof refusalOf>): Interpretation {
  if (refusal.kind !== 'members') return { outcomes: forAll(request, { kind: 'deferred', reason: refusal.reason }) }
  const reduced = withoutMembers(request, new Set(refusal.reasons.keys()))
  if (reduced === undefined) return { outcomes: forAll(request, { kind: 'deferred', reason: 'batch.refused' }) }
  const outcomes = [...reduced.refused].map(([deliveryId, place]) => ({
    deliveryId,
    outcome: { kind: 'rejected', reason: refusal.reasons.get(place) ?? 'item.refused' } satisfies Outcome,
  }))
  if (reduced.rest === undefined) return { outcomes }
  if (reduced.refusals < maxRefusals) return { outcomes, next: reduced.rest }
  return { outcomes: [...outcomes, ...forAll(reduced.rest, { kind: 'deferred', reason: 'batch.refused-again' })] }
}

const jobNote = z.object({ destinations: z.number().int() })

function interpretStatus(request: HttpRequest, answer: HttpAnswer, settings: GoogleAdsSettings): Interpretation {
  const id = request.query?.requestId ?? ''
  const goesOn = (trouble?: Interpretation['trouble']): Interpretation => ({
    outcomes: [],
    job: { id, pollAfterSeconds: settings.firstPollSeconds, note: request.note },
    ...(trouble === undefined ? {} : { trouble }),
  })
  const json = jsonOf(answer.body)
  if (answer.status === 200) {
    const { destinations = 1 } = jobNote.safeParse(request.note).data ?? {}
    const standing = standingOf(json, destinations)
    if (standing === undefined) return goesOn({ reason: 'unavailable.unreadable-answer' })
    return standing.kind === 'open' ? goesOn() : { outcomes: forAll(request, standing.outcome), ...named(id) }
  }
  const error = vendorErrorOf(json)
  const isUnknown =
    answer.status === 404 ||
    (answer.status === 400 && [error?.reason, ...(error?.violations ?? []).map(({ reason }) => reason)].includes('INVALID_REQUEST_ID'))
  // what became of it cannot be known any more, and asserting it once more is harmless
  if (isUnknown) return { outcomes: forAll(request, { kind: 'deferred', reason: 'unavailable.status-gone' }), ...named(id) }
  return goesOn(troubleOf(answer, error))
}
