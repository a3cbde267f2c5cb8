import {
  askedBeside,
  type Connector,
  type HttpAnswer,
  type HttpRequest,
  httpTransport,
  type Interpretation,
  type NothingToSend,
  watchAnswers,
} from '@heed/connector-kit'
import type { DeliveryId, Outcome } from '@heed/domain'
import { systemClock } from '@heed/platform/clock'
import { z } from 'zod'
import { countsOf, failureOf, itemReason, jsonOf, namedOperations, slowDownOf } from './answers.ts'
import { oauth1Authentication } from './oauth1.ts'
import {
  audienceChange,
  bodyBytes,
  doNotReachChange,
  isKnowable,
  type Load,
  loadsOf,
  maxBodyBytes,
  maxOperations,
  type Operation,
} from './operations.ts'
import { parseSettings, type XAdsSettings } from './settings.ts'
import { unlistedAudiences } from './unlisted-audiences.ts'

/** An entry of the Do Not Reach List has to end within 13 months. */
const entryLastsMs = 365 * 86_400_000
/** So often a request is sent again at once without the operations that the vendor refused, before the kit halves what is left. */
const maxCuts = 8

/** What is kept of a request: how often it was cut, and whether it is the repeat of one whose counts did not fit. */
const noteShape = z.object({ cuts: z.number(), repeated: z.boolean() })
type Note = z.output<typeof noteShape>
const firstTry: Note = { cuts: 0, repeated: false }

/**
 * X (Twitter), by its Ads API v12: custom audiences, and the account's Do Not Reach List where the settings name one. The vendor takes a request as a whole or not
 * at all, works it off in its own time, and never says more than that it took it.
 */
export const xAds: Connector<XAdsSettings> = {
  descriptor: ({ collectMinutes, requestsPerMinute, concurrentRequests }) => ({
    name: 'x-ads',
    docs: 'https://docs.x.com/x-ads-api/audiences/reference',
    identifiers: ['email', 'phone', 'user-id', 'idfa', 'gaid'],
    // so many people fit as operations of their own, should the vendor refuse one whom it does not single out
    batch: { maxTasks: maxOperations, inOneRequest: true, ...(collectMinutes === 0 ? {} : { collectSeconds: collectMinutes * 60 }) },
    rate: { concurrentRequests, requestsPerMinute },
    confirmation: 'never',
    timeoutMs: 60_000,
    reassertEveryDays: 30,
    // the vendor's advice: at once, after one minute, after five
    retry: { scheduleSeconds: [1, 60, 300] },
    // a repeat is harmless, but a newer wish must not overtake a request that is still at work
    quietAfterUnknownSeconds: 10,
  }),
  parseSettings,
  account: ({ baseUrl, accountId, credentials }) => `x-ads:${baseUrl}:${accountId}:${credentials.accessToken}`,
  connect: (settings, { credentials, descriptor, clock, log, recipientId }) => {
    const transport = watchAnswers(
      httpTransport({
        baseUrl: settings.baseUrl,
        descriptor,
        // the vendor holds the time of a signature against its own clock
        authentication: oauth1Authentication(credentials, settings.credentials, systemClock),
      }),
      (answer, request) => {
        if (answer.headers['x-api-warn'] !== undefined) log.warn({ recipientId, request: request.name }, 'x-ads.vendor-warns')
        return answer
      },
    )
    if (!settings.checkAudiences) return transport
    const question = unlistedAudiences(settings, (audiences) => log.error({ recipientId, audiences }, 'x-ads.audiences-not-told'))
    return askedBeside(transport, question, { clock, log })
  },

  plan(tasks, settings, batch) {
    const nothing = tasks.flatMap((task): NothingToSend[] => {
      if (audienceChange(task) !== undefined) return []
      const reason = isKnowable(task) ? 'not-applicable.nothing-held-there' : 'not-applicable.no-identifier'
      return [{ via: 'nothing', covers: [task.deliveryId], outcome: { kind: 'notApplicable', reason } }]
    })
    const changes = tasks.flatMap((task) => audienceChange(task) ?? [])
    const account = `accounts/${settings.accountId}`
    const audiences = settings.audiences.flatMap((id) =>
      loadsOf(changes).map((load) => requestOf('audience.users', `/12/${account}/custom_audiences/${id}/users`, load, firstTry)),
    )
    if (settings.doNotReachList === false) return [...nothing, ...audiences]
    const path = `/12/batch/${account}/do_not_reach_lists/${settings.doNotReachList}/users`
    const expiresAt = `${new Date(batch.openedAt + entryLastsMs).toISOString().slice(0, 19)}Z`
    const barrier = loadsOf(
      tasks.flatMap((task) => doNotReachChange(task) ?? []),
      expiresAt,
    )
    return [...nothing, ...audiences, ...barrier.map((load) => requestOf('do-not-reach.users', path, load, firstTry))]
  },

  interpret(request, answer) {
    if (request.via !== 'http' || answer.via !== 'http') return { outcomes: [] }
    const slowDownSeconds = slowDownOf(answer.headers)
    return { ...meaningOf(request, answer), ...(slowDownSeconds === undefined ? {} : { slowDownSeconds }) }
  },
}

function requestOf(name: string, path: string, { operations, covers }: Load, note: Note): HttpRequest {
  return { via: 'http', intent: 'assert', name, method: 'POST', path, covers, note, body: { json: operations } }
}

function meaningOf(request: HttpRequest, answer: HttpAnswer): Interpretation {
  const all = (outcome: Outcome): Interpretation => ({ outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome })) })
  const json = jsonOf(answer.body)
  const named = namedOperations(json)
  if (named !== undefined) return cut(request, named)
  const counts = answer.status === 200 ? countsOf(json) : undefined
  if (counts === undefined) return all(failureOf(answer, json))
  const sent = request.covers.length
  if (counts.taken === sent && counts.told === sent) return all({ kind: 'accepted', final: true })
  // the vendor's own word for it: an error, to be repeated; what differs twice is halved until it is known whose fault it is
  const note = noteShape.safeParse(request.note).data ?? firstTry
  if (note.repeated) return all({ kind: 'deferred', reason: 'batch.counts-differ' })
  return { outcomes: [], next: { ...request, note: { ...note, repeated: true } } }
}

const operationsShape = z.array(
  z.object({
    operation_type: z.enum(['Update', 'Delete']),
    params: z.object({ expires_at: z.string().optional(), users: z.array(z.record(z.string(), z.array(z.string()))) }),
  }),
)

/** The operations that a request carries, each with the deliveries of its people, which stand in the order of `covers`. */
function operationsIn(request: HttpRequest): { readonly operation: Operation; readonly covers: readonly DeliveryId[] }[] {
  const body = request.body !== undefined && 'json' in request.body ? operationsShape.safeParse(request.body.json).data : undefined
  let from = 0
  return (body ?? []).map(({ operation_type, params: { users, expires_at } }) => {
    const covers = request.covers.slice(from, from + users.length)
    from += users.length
    return { operation: { operation_type, params: { ...(expires_at === undefined ? {} : { expires_at }), users } }, covers }
  })
}

/**
 * Nothing of the request was taken. A person who was an operation alone is refused; an operation of several is taken apart, so that the next answer names whom it
 * means; and what is left goes again at once.
 */
function cut(request: HttpRequest, named: ReadonlyMap<number, string>): Interpretation {
  const outcomes: Interpretation['outcomes'][number][] = []
  const left: { operation: Operation; covers: readonly DeliveryId[] }[] = []
  let hit = false
  for (const [index, one] of operationsIn(request).entries()) {
    const code = named.get(index)
    hit ||= code !== undefined
    const { operation, covers } = one
    const { users, ...times } = operation.params
    if (code === undefined) left.push(one)
    else if (covers.length > 1) {
      for (const [place, deliveryId] of covers.entries())
        left.push({ operation: { ...operation, params: { ...times, users: users.slice(place, place + 1) } }, covers: [deliveryId] })
    } else for (const deliveryId of covers) outcomes.push({ deliveryId, outcome: { kind: 'rejected', reason: itemReason(code) } })
  }
  const note = noteShape.safeParse(request.note).data ?? firstTry
  const operations = left.map(({ operation }) => operation)
  const covers = left.flatMap((one) => one.covers)
  if (covers.length === 0) return { outcomes }
  // a place beyond the request names nobody: the same would be sent again for nothing
  const sendable = hit && note.cuts < maxCuts && operations.length <= maxOperations && bodyBytes(operations) <= maxBodyBytes
  if (sendable) return { outcomes, next: requestOf(request.name, request.path, { operations, covers }, { ...note, cuts: note.cuts + 1 }) }
  return {
    outcomes: [
      ...outcomes,
      ...covers.map((deliveryId) => ({ deliveryId, outcome: { kind: 'deferred', reason: 'batch.operations-refused' } as const })),
    ],
  }
}
