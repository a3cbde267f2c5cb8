import {
  accessTokenAuthentication,
  type Connector,
  combineOutcomes,
  fetchByRefreshToken,
  type HttpAnswer,
  type HttpRequest,
  httpTransport,
  type Interpretation,
  type NothingToSend,
  tokenEndpoint,
  watchAnswers,
} from '@heed/connector-kit'
import type { DeliveryId, Outcome } from '@heed/domain'
import { z } from 'zod'
import { elementOutcome, failureOf, statusesOf, traceOf } from './answers.ts'
import { watchVersion } from './api-version.ts'
import { type Change, changesOf, isKnowable } from './elements.ts'
import { waitAfterRefusals } from './rate-limit.ts'
import { type LinkedinAdsSettings, parseSettings } from './settings.ts'

/** What is kept of a request: for each element the place of its delivery among those covered. */
const noteShape = z.object({ elements: z.array(z.number().int().nonnegative()) })

/**
 * LinkedIn, by the users of its DMP segments (Matched Audiences). Each element of a request is answered by itself; what the vendor took it works off in up to 48
 * hours, and it never says more.
 */
export const linkedinAds: Connector<LinkedinAdsSettings> = {
  descriptor: ({ maxElements, requestsPerMinute, concurrentRequests }) => ({
    name: 'linkedin-ads',
    docs: 'https://learn.microsoft.com/en-us/linkedin/marketing/matched-audiences/create-and-manage-segment-users',
    identifiers: ['email', 'gaid'],
    batch: { maxTasks: maxElements, inOneRequest: true },
    rate: { concurrentRequests, requestsPerMinute },
    confirmation: 'never',
    timeoutMs: 60_000,
    reassertEveryDays: 30,
    // a repeat is harmless, but a newer wish must not overtake a request that is still at work
    quietAfterUnknownSeconds: 10,
  }),
  parseSettings,
  account: ({ baseUrl, credentials }) => `linkedin-ads:${baseUrl}:${credentials.refreshToken}`,
  connect: (settings, { credentials, descriptor, clock, log, recipientId }) => {
    const endpoint = tokenEndpoint(settings.tokenUrl, { clock })
    const fetchToken = fetchByRefreshToken({ endpoint, credentials, ...settings.credentials })
    const now = () => clock.now()
    const wait = waitAfterRefusals(now)
    const { apiVersion } = settings
    const checkVersion = watchVersion(apiVersion, now, (endsAt) =>
      log.error({ recipientId, apiVersion, endsAt: new Date(endsAt).toISOString() }, 'linkedin-ads.version-ends'),
    )
    checkVersion()
    const authentication = accessTokenAuthentication(async () => {
      const token = await fetchToken()
      const { expiresAt } = token
      log.info(
        { recipientId, ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }) },
        'access-token.fetched',
      )
      return token
    }, clock)
    return watchAnswers(httpTransport({ baseUrl: settings.baseUrl, descriptor, authentication }), (answer) => {
      checkVersion()
      return wait(answer)
    })
  },

  plan(tasks, settings) {
    const nothing: NothingToSend[] = []
    const changes = tasks.flatMap((task) => {
      const own = changesOf(task)
      if (own.length === 0) {
        const reason = isKnowable(task) ? 'not-applicable.nothing-held-there' : 'not-applicable.no-identifier'
        nothing.push({ via: 'nothing', covers: [task.deliveryId], outcome: { kind: 'notApplicable', reason } })
      }
      return own
    })
    const requests = settings.segments.flatMap((segment) => {
      const parts: HttpRequest[] = []
      for (let from = 0; from < changes.length; from += settings.maxElements)
        parts.push(requestOf(segment, changes.slice(from, from + settings.maxElements), settings))
      return parts
    })
    return [...nothing, ...requests]
  },

  interpret(request, answer) {
    if (request.via !== 'http' || answer.via !== 'http') return { outcomes: [] }
    const trace = traceOf(answer.headers)
    return { outcomes: outcomesOf(request, answer, trace), ...(trace === undefined ? {} : { trace }) }
  },
}

function requestOf(segment: string, changes: readonly Change[], { apiVersion }: LinkedinAdsSettings): HttpRequest {
  const covers = [...new Set(changes.map(({ deliveryId }) => deliveryId))]
  const place = new Map(covers.map((deliveryId, index) => [deliveryId, index]))
  return {
    via: 'http',
    intent: 'assert',
    name: 'segment.users',
    method: 'POST',
    path: `/rest/dmpSegments/${segment}/users`,
    // without all three the same address means something else
    headers: { 'linkedin-version': apiVersion, 'x-restli-protocol-version': '2.0.0', 'x-restli-method': 'BATCH_CREATE' },
    covers,
    note: { elements: changes.map(({ deliveryId }) => place.get(deliveryId) ?? 0) },
    body: { json: { elements: changes.map(({ element }) => element) } },
  }
}

function outcomesOf(request: HttpRequest, answer: HttpAnswer, receipt: string | undefined): Interpretation['outcomes'] {
  const all = (outcome: Outcome) => request.covers.map((deliveryId) => ({ deliveryId, outcome }))
  const note = noteShape.safeParse(request.note).data
  const statuses = answer.status === 200 ? statusesOf(answer.body) : undefined
  if (statuses === undefined || note === undefined) return all(failureOf(answer.status, answer.headers))
  // whose answer is missing cannot be told: all of it is asserted again, which is harmless
  if (statuses.length !== note.elements.length) return all({ kind: 'deferred', reason: 'unavailable.answer-incomplete' })
  const each = statuses.flatMap((status, index): { deliveryId: DeliveryId; outcome: Outcome }[] => {
    const deliveryId = request.covers[note.elements[index] ?? -1]
    return deliveryId === undefined ? [] : [{ deliveryId, outcome: elementOutcome(status, answer.headers, receipt) }]
  })
  return [...combineOutcomes(each)].map(([deliveryId, outcome]) => ({ deliveryId, outcome }))
}
