import type { HttpHandler, HttpReply, HttpRequest } from '../frame/http-play.ts'
import { createRouter, type Routed } from '../frame/router.ts'
import { type Audience, subscriberHash } from './account.ts'
import type { Batches } from './batches.ts'
import {
  archiveMember,
  deleteMemberPermanently,
  isTrue,
  type MembersContext,
  type Result,
  tagMember,
  writeMember,
  writeMembers,
} from './members-api.ts'
import { type Problem, problems } from './problems.ts'
import { audienceView, memberView, pageOf, selectFields } from './view.ts'
import type { Webhook } from './webhooks.ts'

/** What the routes need: the account's parts and the way to say no. */
export interface RoutesContext extends MembersContext {
  batches(): Batches
  refuse(problem: Problem): HttpReply
  /** Where results are downloaded from, as the asking client reaches it. */
  resultsOrigin(request: HttpRequest): string
}

/** The path of downloads, which take no credentials at all: the link is the credential. */
export const RESULTS_TEMPLATE = '/batch-results/{token}/{file}'

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }

/** Every endpoint that is played, by the vendor's own path templates. */
export function mailchimpRoutes(context: RoutesContext): Routed<HttpHandler>[] {
  const json = (body: Record<string, unknown>, request: HttpRequest, items = 0): HttpReply => {
    const selected = selectFields(body, request.query)
    if ('problem' in selected) return context.refuse(selected.problem)
    return { status: 200, headers: JSON_TYPE, body: JSON.stringify(selected.body), items }
  }
  const answer = (result: Result, request: HttpRequest): HttpReply => {
    if ('problem' in result) return { ...context.refuse(result.problem), items: 1 }
    return result.body === undefined ? { status: 204, items: result.items } : json(result.body, request, result.items)
  }
  const inList = (handler: (audience: Audience, request: HttpRequest) => HttpReply | Promise<HttpReply>): HttpHandler => {
    return (request) => {
      const audience = context.account.audiences.get(request.parameters.list ?? '')
      return audience === undefined ? context.refuse(problems.notFound) : handler(audience, request)
    }
  }
  // The vendor takes the raw address in the path too; it then stands in every access log, so the request is marked.
  const ofMember = (handler: (audience: Audience, hash: string, request: HttpRequest) => HttpReply): HttpHandler => {
    return inList((audience, request) => {
      const key = request.parameters.hash ?? ''
      if (!key.includes('@')) return handler(audience, key, request)
      return { ...handler(audience, subscriberHash(key), request), remark: 'an address in the path' }
    })
  }
  const withBody = (request: HttpRequest, handler: (body: unknown) => HttpReply | Promise<HttpReply>): HttpReply | Promise<HttpReply> => {
    const body = parseJson(request.body)
    return body === undefined ? context.refuse(problems.jsonParse) : handler(body.value)
  }
  const write = (call: 'patch' | 'put'): HttpHandler =>
    ofMember((audience, hash, request) => {
      const body = parseJson(request.body)
      if (body === undefined) return context.refuse(problems.jsonParse)
      const skip = isTrue(request.query.get('skip_merge_validation'))
      return answer(writeMember(context, audience, hash, body.value, call, skip), request)
    })

  return [
    { method: 'GET', template: '/3.0/ping', handler: (request) => json({ health_status: "Everything's Chimpy!" }, request) },
    {
      method: 'GET',
      template: '/3.0/lists',
      handler(request) {
        const all = [...context.account.audiences.values()]
        const found = pageOf(all, request.query)
        if ('problem' in found) return context.refuse(found.problem)
        return json({ lists: found.page.map(audienceView), total_items: all.length }, request)
      },
    },
    { method: 'GET', template: '/3.0/lists/{list}', handler: inList((audience, request) => json(audienceView(audience), request)) },
    {
      method: 'POST',
      template: '/3.0/lists/{list}',
      handler: inList((audience, request) =>
        withBody(request, (body) => answer(writeMembers(context, audience, body, request.query), request)),
      ),
    },
    {
      method: 'GET',
      template: '/3.0/lists/{list}/members',
      handler: inList((audience, request) => {
        const status = request.query.get('status')
        const all = [...audience.members.values()].filter((member) =>
          status === null ? member.status !== 'archived' : member.status === status,
        )
        const found = pageOf(all, request.query)
        if ('problem' in found) return context.refuse(found.problem)
        const members = found.page.map((member) => memberView(audience, member))
        return json({ members, list_id: audience.id, total_items: all.length }, request, members.length)
      }),
    },
    {
      method: 'GET',
      template: '/3.0/lists/{list}/members/{hash}',
      handler: ofMember((audience, hash, request) => {
        const member = audience.members.get(hash)
        return member === undefined ? context.refuse(problems.notFound) : json(memberView(audience, member), request, 1)
      }),
    },
    { method: 'PATCH', template: '/3.0/lists/{list}/members/{hash}', handler: write('patch') },
    { method: 'PUT', template: '/3.0/lists/{list}/members/{hash}', handler: write('put') },
    {
      method: 'DELETE',
      template: '/3.0/lists/{list}/members/{hash}',
      handler: ofMember((audience, hash, request) => answer(archiveMember(context, audience, hash), request)),
    },
    {
      method: 'POST',
      template: '/3.0/lists/{list}/members/{hash}/actions/delete-permanent',
      handler: ofMember((audience, hash, request) => answer(deleteMemberPermanently(context, audience, hash), request)),
    },
    {
      method: 'POST',
      template: '/3.0/lists/{list}/members/{hash}/tags',
      handler: ofMember((audience, hash, request) => {
        const body = parseJson(request.body)
        return body === undefined ? context.refuse(problems.jsonParse) : answer(tagMember(context, audience, hash, body.value), request)
      }),
    },
    ...interestRoutes(inList, json, context),
    ...webhookRoutes(inList, withBody, json, context),
    ...batchRoutes(withBody, json, context),
  ]
}

type InList = (handler: (audience: Audience, request: HttpRequest) => HttpReply | Promise<HttpReply>) => HttpHandler
type WithBody = (request: HttpRequest, handler: (body: unknown) => HttpReply | Promise<HttpReply>) => HttpReply | Promise<HttpReply>
type Json = (body: Record<string, unknown>, request: HttpRequest, items?: number) => HttpReply

function interestRoutes(inList: InList, json: Json, context: RoutesContext): Routed<HttpHandler>[] {
  return [
    {
      method: 'GET',
      template: '/3.0/lists/{list}/interest-categories',
      handler: inList(({ id, category }, request) => {
        const categories = [{ list_id: id, id: category.id, title: category.name, type: 'checkboxes' }]
        return json({ list_id: id, categories, total_items: 1 }, request)
      }),
    },
    {
      method: 'GET',
      template: '/3.0/lists/{list}/interest-categories/{category}/interests',
      handler: inList(({ id, category }, request) => {
        if (request.parameters.category !== category.id) return context.refuse(problems.notFound)
        const found = pageOf(category.interests, request.query)
        if ('problem' in found) return context.refuse(found.problem)
        const interests = found.page.map((interest) => ({ category_id: category.id, list_id: id, id: interest.id, name: interest.name }))
        return json({ interests, list_id: id, category_id: category.id, total_items: category.interests.length }, request)
      }),
    },
  ]
}

function webhookRoutes(inList: InList, withBody: WithBody, json: Json, context: RoutesContext): Routed<HttpHandler>[] {
  const view = ({ id, url, events, sources, listId, secret }: Webhook): Record<string, unknown> => {
    return { id, url, events, sources, list_id: listId, signing_enabled: secret !== undefined }
  }
  return [
    {
      method: 'POST',
      template: '/3.0/lists/{list}/webhooks',
      handler: inList((audience, request) =>
        withBody(request, async (body) => {
          const added = await context.webhooks.add(audience.id, body)
          if ('problem' in added) return context.refuse(added.problem)
          // the only time that the secret is told
          return json({ ...view(added.webhook), signing_secret: added.webhook.secret }, request)
        }),
      ),
    },
    {
      method: 'GET',
      template: '/3.0/lists/{list}/webhooks',
      handler: inList((audience, request) => {
        const webhooks = context.webhooks.of(audience.id).map(view)
        return json({ webhooks, list_id: audience.id, total_items: webhooks.length }, request)
      }),
    },
    {
      method: 'GET',
      template: '/3.0/lists/{list}/webhooks/{webhook}',
      handler: inList((audience, request) => {
        const webhook = context.webhooks.find(audience.id, request.parameters.webhook ?? '')
        return webhook === undefined ? context.refuse(problems.notFound) : json(view(webhook), request)
      }),
    },
    {
      method: 'DELETE',
      template: '/3.0/lists/{list}/webhooks/{webhook}',
      handler: inList((audience, request) => {
        const webhook = context.webhooks.find(audience.id, request.parameters.webhook ?? '')
        if (webhook === undefined) return context.refuse(problems.notFound)
        context.webhooks.remove(webhook.id)
        return { status: 204 }
      }),
    },
  ]
}

function batchRoutes(withBody: WithBody, json: Json, context: RoutesContext): Routed<HttpHandler>[] {
  const expired = (code: string, message: string): HttpReply => {
    return {
      status: 403,
      headers: { 'content-type': 'application/xml' },
      body: `<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
    }
  }
  return [
    {
      method: 'POST',
      template: '/3.0/batches',
      handler: (request) =>
        withBody(request, (body) => {
          const submitted = context.batches().submit(body)
          return 'problem' in submitted ? context.refuse(submitted.problem) : json(submitted.batch, request, submitted.items)
        }),
    },
    {
      method: 'GET',
      template: '/3.0/batches/{batch}',
      handler(request) {
        const batch = context.batches().show(request.parameters.batch ?? '', context.resultsOrigin(request))
        return batch === undefined ? context.refuse(problems.notFound) : json(batch, request)
      },
    },
    {
      method: 'DELETE',
      template: '/3.0/batches/{batch}',
      handler: (request) =>
        context.batches().remove(request.parameters.batch ?? '') ? { status: 204 } : context.refuse(problems.notFound),
    },
    {
      method: 'GET',
      template: RESULTS_TEMPLATE,
      handler({ parameters, headers }) {
        // a signed link and an Authorization header are two ways of signing in, which the file store refuses
        if (headers.authorization !== undefined) return { ...expired('InvalidArgument', 'Only one auth mechanism allowed'), status: 400 }
        const results = context.batches().results(parameters.token ?? '')
        if (results === undefined) return expired('AccessDenied', 'Access Denied')
        if (results === 'expired') return expired('AccessDenied', 'Request has expired')
        return { status: 200, headers: { 'content-type': 'application/gzip' }, body: results }
      },
    },
  ]
}

function parseJson(body: Buffer): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(body.toString('utf8')) }
  } catch {
    return undefined
  }
}

/** Answers one operation of a batch as if it were a request of its own. Batches inside batches are refused. */
export function operationExecutor(
  routes: readonly Routed<HttpHandler>[],
  refuse: (problem: Problem) => HttpReply,
): (method: string, path: string, body: string) => HttpReply | Promise<HttpReply> {
  const match = createRouter(routes.filter(({ template }) => template.startsWith('/3.0/lists') || template === '/3.0/ping'))
  return (method, target, body) => {
    const [path = '', query = ''] = target.split('?')
    const found = match(method, `/3.0${path}`)
    if (found.kind === 'unknown') return refuse(problems.notFound)
    if (found.kind === 'method-not-allowed') return refuse(problems.methodNotAllowed)
    const { template, parameters } = found
    return found.handler({
      method,
      template,
      path: `/3.0${path}`,
      parameters,
      query: new URLSearchParams(query),
      headers: {},
      body: Buffer.from(body),
    })
  }
}
