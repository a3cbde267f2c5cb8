import {
  accessTokenAuthentication,
  bearerAuthentication,
  type HttpAnswer,
  type HttpRequest,
  httpTransport,
  type Interpretation,
  membershipOf,
  type NothingToSend,
  type PlannedRequest,
  type Task,
  tokenEndpoint,
} from '@heed/connector-kit'
import { z } from 'zod'
import { type Driver, nothingToSend } from './driver.ts'
import { deferred, forAll, jsonOf, troubleOf } from './partner-answers.ts'
import type { LiveRampSettings } from './settings.ts'

const uuid = z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
const taken = z.object({ request_uuid: uuid })
const state = z.object({ status: z.string() })
const looked = z.object({ privacy_request: state.optional(), privacy_requests: z.array(state).optional() })

/**
 * LiveRamp's Privacy API: one request for each address of a person, the address itself. The same request again is answered with the number of the first (200 in
 * place of 201), so that a repeat asks for nothing twice. https://developers.liveramp.com/privacy-api
 */
export function liveRampDriver(settings: LiveRampSettings): Driver {
  const { baseUrl, organisation, credential, credentials: serviceAccount, pollSeconds, requestsPerMinute, concurrentRequests } = settings
  const headers = { 'LR-Org-ID': organisation }

  const create = ({ deliveryId, kind }: Task, email: string): HttpRequest => ({
    via: 'http',
    intent: 'assert',
    name: 'request.create',
    method: 'POST',
    path: '/v1/requests',
    headers,
    covers: [deliveryId],
    body: { json: { request_type: kind === 'erasure' ? 'DELETION' : 'OPT_OUT', email } },
  })

  return {
    descriptor: {
      name: 'hashed-email',
      docs: 'https://developers.liveramp.com/privacy-api',
      identifiers: ['email'],
      batch: { maxTasks: 50 },
      rate: { concurrentRequests, requestsPerMinute },
      confirmation: 'by-job',
      erasure: true,
      timeoutMs: 30_000,
      // the vendor's advice, five tries; what fails even then is left alone for a quarter of an hour
      retry: { scheduleSeconds: [1, 2, 4, 4, 4, 900] },
      quietAfterUnknownSeconds: 0,
      jobs: { maxPollSeconds: 3_600, giveUpAfterSeconds: settings.followDays * 86_400, newerMayOvertake: true },
    },
    account: `liveramp:${baseUrl}:${organisation}`,
    connect: ({ credentials, descriptor, clock }) =>
      httpTransport({
        baseUrl,
        descriptor,
        authentication:
          serviceAccount === undefined
            ? bearerAuthentication(credentials, credential ?? '')
            : accessTokenAuthentication(async () => {
                const [username, password] = await Promise.all([
                  credentials.read(serviceAccount.accountId),
                  credentials.read(serviceAccount.secretKey),
                ])
                const grant = { grant_type: 'password', client_id: settings.tokenClientId, scope: 'openid', username, password }
                return tokenEndpoint(settings.tokenUrl, { clock }).request(grant)
              }, clock),
      }),

    plan: (tasks) =>
      tasks.flatMap((task): (PlannedRequest | NothingToSend)[] => {
        const membership = membershipOf(task)
        switch (membership) {
          case 'unsaid':
            return [nothingToSend(task.deliveryId, 'not-applicable.nothing-held-there')]
          case 'in':
            return [nothingToSend(task.deliveryId, 'not-applicable.no-opt-in')]
          case 'out': {
            const addresses = task.identifiers.filter(({ kind, form }) => kind === 'email' && form === 'raw')
            if (addresses.length === 0) return [nothingToSend(task.deliveryId, 'not-applicable.no-identifier')]
            return addresses.map(({ value }) => create(task, value))
          }
          default:
            return membership satisfies never
        }
      }),

    interpret: (request, answer) => {
      if (answer.via !== 'http') return { outcomes: [] }
      return request.intent === 'follow' ? interpretLook(request, answer, pollSeconds) : interpretCreation(request, answer, pollSeconds)
    },

    follow: (job, covers) => ({
      via: 'http',
      intent: 'follow',
      name: 'request.read',
      method: 'GET',
      path: '/v1/requests',
      query: { uuid: job.id },
      headers,
      covers,
      note: { id: job.id },
    }),
  }
}

function interpretCreation(request: PlannedRequest, answer: HttpAnswer, pollAfterSeconds: number): Interpretation {
  // 201 = taken, 200 = taken before: what became of it is for the job to say in both cases
  if (answer.status === 201 || answer.status === 200) {
    const id = taken.safeParse(jsonOf(answer.body)).data?.request_uuid
    return id === undefined ? forAll(request, deferred('unavailable.unreadable-answer')) : { outcomes: [], job: { id, pollAfterSeconds } }
  }
  const trouble = troubleOf(answer)
  if (trouble !== undefined) return forAll(request, { kind: 'deferred', ...trouble })
  // one address stands in a request: what does not fit is about that address, and must not hold up anybody else
  if (answer.status === 400 || answer.status === 422) return forAll(request, { kind: 'rejected', reason: 'item.refused-by-partner' })
  return forAll(request, deferred('configuration.unexpected-answer'))
}

function interpretLook(request: PlannedRequest, answer: HttpAnswer, pollAfterSeconds: number): Interpretation {
  const id = z.object({ id: uuid }).safeParse(request.note).data?.id
  if (id === undefined) return { outcomes: [] }
  const job = { id, pollAfterSeconds }
  const trouble = troubleOf(answer)
  if (trouble !== undefined) return { outcomes: [], job, trouble }
  // the number is not known (any more): the same request once more tells it anew
  if (answer.status === 404) return forAll(request, deferred('unavailable.request-unknown'))
  const seen = answer.status === 200 ? looked.safeParse(jsonOf(answer.body)).data : undefined
  const status = (seen?.privacy_request ?? seen?.privacy_requests?.[0])?.status
  switch (status) {
    case 'COMPLETED':
      return forAll(request, { kind: 'confirmed' })
    case 'FAILED':
      // the same request is answered with the same number: only a person gets further
      return forAll(request, { kind: 'rejected', reason: 'item.failed-at-partner' })
    case 'ACCEPTED':
    case 'PROCESSING':
      return { outcomes: [], job }
    default:
      return { outcomes: [], job, trouble: { reason: 'unavailable.unreadable-answer' } }
  }
}
