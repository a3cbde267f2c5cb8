import type { Audience, AudienceBook } from '../audience/book.ts'
import type { Key } from '../audience/people.ts'
import type { Work } from '../audience/work.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../frame/http-play.ts'
import { jsonReply } from '../frame/json.ts'
import type { Routed } from '../frame/router.ts'
import { badParameter, type GraphError, type GraphRefusals, graphErrors } from './graph-errors.ts'
import { type Form, type Payload, type Read, readPayload } from './payload.ts'
import type { Place, Sessions } from './sessions.ts'

/** What the routes need. */
export interface RoutesContext {
  readonly adAccount: string
  readonly businessId: string
  readonly book: AudienceBook
  readonly work: Work
  readonly sessions: Sessions
  readonly refusals: GraphRefusals
  /** In which form each audience was first written to. */
  readonly forms: Map<string, Form>
  /** Audiences that a human at the vendor has to look at first. */
  readonly flagged: ReadonlySet<string>
  versions(): readonly string[]
  /** Whether the account belongs to a business portfolio, and whether its terms are accepted. */
  isOwned(): boolean
  termsAccepted(): boolean
  /** The body, read once for each request. */
  bodyOf(request: HttpRequest): Read
  isPoisoned(): ((keys: readonly Key[]) => boolean) | undefined
  /** An error that the vendor answers whatever is asked, while a switch is on. */
  spoilt(request: HttpRequest): GraphError | undefined
}

const MAX_SAMPLES = 100

/** Every endpoint that is played, for `/{version}/…`. */
export function metaRoutes(context: RoutesContext): Routed<HttpHandler>[] {
  const { book, sessions, refusals } = context
  const refuse = (error: GraphError, items = 0): HttpReply => ({ ...refusals.refuse(error), items })
  const checked = (handler: HttpHandler): HttpHandler => {
    return (request) => {
      if (!context.versions().includes(request.parameters.version ?? '')) return refuse(graphErrors.oldVersion)
      const error = context.spoilt(request)
      return error === undefined ? handler(request) : refuse(error)
    }
  }
  const inAccount = (handler: HttpHandler): HttpHandler =>
    checked((request) => (request.parameters.account === context.adAccount ? handler(request) : refuse(graphErrors.notThere)))
  const inAudience = (handler: (audience: Audience, request: HttpRequest) => HttpReply | Promise<HttpReply>): HttpHandler =>
    checked((request) => {
      const audience = book.find(request.parameters.audience ?? '')
      return audience === undefined ? refuse(graphErrors.notThere) : handler(audience, request)
    })

  /** The rows of a request, with whoever is refused for no visible reason marked as invalid. */
  const payloadOf = (request: HttpRequest): Payload | { readonly error: GraphError } => {
    const payload = readPayload(context.bodyOf(request).fields.payload)
    const isPoisoned = context.isPoisoned()
    if ('error' in payload || isPoisoned === undefined) return payload
    return { ...payload, rows: payload.rows.map((row) => (isPoisoned(row.keys) ? { ...row, keys: [], invalid: true } : row)) }
  }

  const change = (audience: Audience, request: HttpRequest, call: 'add' | 'remove' | 'replace'): HttpReply => {
    const payload = payloadOf(request)
    if ('error' in payload) return refuse(payload.error)
    const { rows, form } = payload
    if (context.flagged.has(audience.id)) return refuse(graphErrors.flagged, rows.length)
    if (call !== 'remove' && !context.termsAccepted()) return refuse(graphErrors.termsNotAccepted, rows.length)
    if ((context.forms.get(audience.id) ?? form) !== form) return refuse(graphErrors.updateFailed, rows.length)

    const { fields, sessionText } = context.bodyOf(request)
    const open = sessions.openOn(audience.id)
    let place: Place | undefined
    if (fields.session !== undefined) {
      const entered = sessions.enter(fields.session, sessionText, audience.id, call === 'replace' ? 'usersreplace' : 'users')
      if ('error' in entered) return refuse(entered.error, rows.length)
      place = entered
    } else if (call === 'replace') return refuse(badParameter('The parameter session is required'))
    // a replacement stands alone: neither another one nor single changes go on beside it
    const beside = open !== undefined && open.id !== place?.session.id && (call === 'replace' || open.call === 'usersreplace')
    if (beside) return refuse(graphErrors.replaceRunning, rows.length)

    context.forms.set(audience.id, form)
    const valid = rows.filter(({ invalid }) => !invalid)
    const counts = {
      received: rows.length,
      matched: valid.filter(({ keys }) => book.recognises(keys)).length,
      invalid: rows.length - valid.length,
    }
    const keyed = valid.filter(({ keys }) => keys.length > 0)
    if (call === 'replace') {
      for (const { keys } of keyed) book.put(audience, keys)
      if (place?.isLast === true) book.empty(audience, place.session.startedAt - 1)
    } else context.work.submit(keyed.map(({ keys }) => ({ audienceId: audience.id, keys, member: call === 'add' })))
    if (place !== undefined) sessions.advance(place, counts)

    return jsonReply(
      200,
      {
        audience_id: audience.id,
        session_id: place?.session.id ?? String(Date.now()),
        num_received: counts.received,
        num_invalid_entries: counts.invalid,
        invalid_entry_samples: samples(rows.filter(({ invalid }) => invalid).map(({ raw }) => raw)),
      },
      { items: rows.length },
    )
  }
  const isDelete = (request: HttpRequest): boolean => request.method === 'DELETE' || context.bodyOf(request).fields.method === 'DELETE'
  const users = inAudience((audience, request) => change(audience, request, isDelete(request) ? 'remove' : 'add'))

  const usersOfAny = inAccount((request) => {
    if (!isDelete(request)) return refuse(badParameter('Unsupported post request'))
    const payload = payloadOf(request)
    if ('error' in payload) return refuse(payload.error)
    const items = payload.rows.length
    // nothing says that nothing was done
    if (context.isOwned() && context.termsAccepted()) {
      const keyed = payload.rows.filter(({ keys }) => keys.length > 0)
      const changeable = book.audiences().filter(({ id }) => !context.flagged.has(id))
      context.work.submit(changeable.flatMap(({ id }) => keyed.map(({ keys }) => ({ audienceId: id, keys, member: false }))))
    }
    return jsonReply(200, { success: true }, { items })
  })

  const view = ({ id, name }: Audience): Record<string, unknown> => ({
    id,
    name,
    subtype: 'CUSTOM',
    operation_status: context.flagged.has(id) ? { code: 471, description: 'Flagged' } : { code: 200, description: 'Normal' },
  })
  return [
    { method: 'DELETE', template: '/{version}/act_{account}/usersofanyaudience', handler: usersOfAny },
    { method: 'POST', template: '/{version}/act_{account}/usersofanyaudience', handler: usersOfAny },
    { method: 'DELETE', template: '/{version}/{audience}/users', handler: users },
    { method: 'POST', template: '/{version}/{audience}/users', handler: users },
    {
      method: 'POST',
      template: '/{version}/{audience}/usersreplace',
      handler: inAudience((audience, request) => change(audience, request, 'replace')),
    },
    {
      method: 'GET',
      template: '/{version}/{audience}/sessions',
      handler: inAudience(({ id }, { query }) => {
        const session = sessions.find(id, query.get('session_id') ?? '')
        if (session === undefined) return jsonReply(200, { data: [] })
        const { received, matched, invalid, closed } = session
        const counts = { num_received: String(received), num_matched: String(matched), num_invalid_entries: String(invalid) }
        const stage = closed ? 'finished' : 'uploading'
        return jsonReply(200, { data: [{ session_id: session.id, ...counts, stage, progress: closed ? '1.0' : '0.5' }] })
      }),
    },
    {
      method: 'GET',
      template: '/{version}/act_{account}',
      handler: inAccount(() => {
        const id = context.adAccount
        const business = context.isOwned() ? { business: { id: context.businessId, name: 'Heed demo' } } : {}
        return jsonReply(200, {
          id: `act_${id}`,
          account_id: id,
          ...business,
          tos_accepted: context.termsAccepted() ? { custom_audience_tos: 1 } : {},
        })
      }),
    },
    {
      method: 'GET',
      template: '/{version}/act_{account}/customaudiences',
      handler: inAccount(({ query }) => {
        const all = book.audiences()
        const after = query.get('after')
        const from = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1
        const data = all.slice(from, from + Number(query.get('limit') ?? 25))
        const last = data.at(-1)
        return jsonReply(200, { data: data.map(view), ...(last && { paging: { cursors: { before: data[0]?.id, after: last.id } } }) })
      }),
    },
    { method: 'GET', template: '/{version}/{audience}', handler: inAudience((audience) => jsonReply(200, view(audience))) },
  ]
}

// an object or an array, as it comes: the vendor answers both
function samples(invalid: readonly unknown[]): unknown {
  const some = invalid.slice(0, MAX_SAMPLES)
  if (some.length % 2 === 0) return some
  return Object.fromEntries(some.map((row, index) => [String(index), Array.isArray(row) ? row.join(',') : row]))
}
