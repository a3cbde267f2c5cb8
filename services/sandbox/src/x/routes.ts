import type { Audience, AudienceBook } from '../audience/book.ts'
import type { Key } from '../audience/people.ts'
import type { Work } from '../audience/work.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../frame/http-play.ts'
import { jsonReply, parseJson } from '../frame/json.ts'
import type { Routed } from '../frame/router.ts'
import { audienceRules, doNotReachRules, type ListRules, readOperation, type Wish, type XError } from './operations.ts'
import { type XRefusal, xRefusal, xRefusals } from './replies.ts'

/** What the routes need. */
export interface RoutesContext {
  readonly accountId: string
  readonly book: AudienceBook
  readonly work: Work
  now(): number
  isPoisoned(): ((keys: readonly Key[]) => boolean) | undefined
  /** Whether the counts of this answer do not agree, and nothing is applied. */
  miscounts(request: HttpRequest): boolean
  /** A refusal whatever is asked, while a switch is on. */
  spoilt(request: HttpRequest): XRefusal | undefined
}

/** The id of the account's one Do Not Reach List. */
export const DO_NOT_REACH_ID = '1dnrl'

/** The Do Not Reach List as a list of people who are kept out. */
export function doNotReachAudience(accountId: string): Audience {
  return { id: DO_NOT_REACH_ID, name: 'Do Not Reach List', account: accountId, holds: ['email', 'phone'], suppresses: true }
}

const MAX_OPERATIONS = 2500
const MAX_BYTES = 5_000_000
const MAX_COUNT = 1000

/** Every endpoint that is played. */
export function xRoutes(context: RoutesContext): Routed<HttpHandler>[] {
  const { book, accountId } = context
  const inAccount = (handler: HttpHandler): HttpHandler => {
    return (request) => {
      const spoilt = context.spoilt(request)
      if (spoilt !== undefined) return xRefusal(spoilt)
      return request.parameters.account === accountId ? handler(request) : xRefusal(xRefusals.accountNotFound)
    }
  }
  const operate = (request: HttpRequest, audience: Audience, rules: ListRules, inArray: boolean): HttpReply => {
    if (request.headers['content-type']?.startsWith('application/json') !== true)
      return invalid('The content type must be application/json')
    if (request.body.length > MAX_BYTES) return invalid(`The body is larger than ${MAX_BYTES} bytes`)
    const operations = parseJson(request.body)?.value
    if (!Array.isArray(operations) || operations.length === 0) return invalid('The body must be an array of operations')
    if (operations.length > MAX_OPERATIONS) return invalid(`A request takes ${MAX_OPERATIONS} operations`)

    const isPoisoned = context.isPoisoned()
    const wishes: Wish[] = []
    const errors = operations.map((operation: unknown): readonly XError[] => {
      const read = readOperation(operation, rules, context.now())
      if ('errors' in read) return read.errors
      wishes.push(...read.wishes)
      return isPoisoned !== undefined && read.wishes.some(({ keys }) => isPoisoned(keys))
        ? [{ code: 'INVALID', message: 'The operation could not be processed' }]
        : []
    })
    const params = { account_id: accountId, ...(inArray ? { do_not_reach_list_id: audience.id } : { custom_audience_id: audience.id }) }
    // all or nothing: one operation that is wrong undoes the others
    if (errors.some((of) => of.length > 0))
      return jsonReply(400, { errors: [], operation_errors: errors, request: { params } }, { items: wishes.length })
    const total = wishes.length
    const miscounted = context.miscounts(request)
    if (!miscounted) context.work.submit(wishes.map((wish) => ({ audienceId: audience.id, ...wish })))
    const counts = { success_count: miscounted ? total - 1 : total, total_count: total }
    return jsonReply(200, { request: { params }, data: inArray ? [counts] : counts }, { items: total })
  }

  const audiences = (): Audience[] => book.audiences().filter(({ id }) => id !== DO_NOT_REACH_ID)
  const view = ({ id, name }: Audience): Record<string, unknown> => ({
    id,
    name,
    targetable: true,
    audience_type: 'CRM',
    deleted: false,
    created_at: '2026-01-01T00:00:00Z',
  })
  const list: HttpHandler = ({ query }) => {
    const count = Number(query.get('count') ?? 200)
    if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT) return invalid('count must be 1 to 1000', 'count')
    const cursor = query.get('cursor')
    const all = audiences()
    const from = cursor === null ? 0 : all.findIndex(({ id }) => `c-${id}` === cursor)
    if (from < 0) return invalid('The cursor is unknown', 'cursor')
    const next = all[from + count]
    return jsonReply(200, {
      request: { params: { account_id: accountId } },
      next_cursor: next === undefined ? null : `c-${next.id}`,
      data: all.slice(from, from + count).map(view),
    })
  }
  const listView = { id: DO_NOT_REACH_ID, name: 'Do Not Reach List', deleted: false }
  const dnrl = (): Audience | undefined => book.find(DO_NOT_REACH_ID)

  return [
    { method: 'GET', template: '/12/accounts/{account}/custom_audiences', handler: inAccount(list) },
    {
      method: 'GET',
      template: '/12/accounts/{account}/custom_audiences/{audience}',
      handler: inAccount(({ parameters }) => {
        const audience = audiences().find(({ id }) => id === parameters.audience)
        return audience === undefined
          ? xRefusal(xRefusals.audienceNotFound)
          : jsonReply(200, { request: { params: {} }, data: view(audience) })
      }),
    },
    {
      method: 'POST',
      template: '/12/accounts/{account}/custom_audiences/{audience}/users',
      handler: inAccount((request) => {
        const audience = audiences().find(({ id }) => id === request.parameters.audience)
        return audience === undefined ? xRefusal(xRefusals.audienceNotFound) : operate(request, audience, audienceRules, false)
      }),
    },
    {
      method: 'GET',
      template: '/12/accounts/{account}/do_not_reach_lists',
      handler: inAccount(() =>
        jsonReply(200, { request: { params: { account_id: accountId } }, next_cursor: null, data: dnrl() === undefined ? [] : [listView] }),
      ),
    },
    {
      method: 'POST',
      template: '/12/accounts/{account}/do_not_reach_lists',
      handler: inAccount(() => {
        if (dnrl() !== undefined) return invalid('The account has a Do Not Reach List already')
        book.addAudience(doNotReachAudience(accountId))
        return jsonReply(201, { request: { params: { account_id: accountId } }, data: listView })
      }),
    },
    {
      method: 'POST',
      template: '/12/batch/accounts/{account}/do_not_reach_lists/{list}/users',
      handler: inAccount((request) => {
        const found = request.parameters.list === DO_NOT_REACH_ID ? dnrl() : undefined
        return found === undefined ? xRefusal(xRefusals.notFound) : operate(request, found, doNotReachRules, true)
      }),
    },
  ]
}

function invalid(message: string, parameter?: string): HttpReply {
  return xRefusal({ status: 400, code: 'INVALID_PARAMETER', message, ...(parameter === undefined ? {} : { parameter }) })
}
