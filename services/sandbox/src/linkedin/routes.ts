import type { Audience, AudienceBook } from '../audience/book.ts'
import type { Key } from '../audience/people.ts'
import type { Change, Work } from '../audience/work.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../frame/http-play.ts'
import { isRecord, parseJson, textOf } from '../frame/json.ts'
import type { Quota } from '../frame/quota.ts'
import type { Routed } from '../frame/router.ts'
import { readElement } from './elements.ts'
import { badRequest, type RestError, restErrors, restRefusal, restReply } from './replies.ts'
import type { Segment, Segments } from './segments.ts'

/** What the routes need. */
export interface RoutesContext {
  readonly book: AudienceBook
  readonly work: Work
  readonly segments: Segments
  readonly perMinute: Quota
  readonly perDay: Quota
  now(): number
  maxElements(): number
  takesAppleIdfa(): boolean
  /** For how long after its creation a segment takes no members, in milliseconds. */
  settleMs(): number
  isLiving(version: string): boolean
  isPoisoned(): ((keys: readonly Key[]) => boolean) | undefined
  /** Whether this element is answered as unavailable. */
  isUnavailable(keys: readonly Key[]): boolean
  answersWrongCount(request: HttpRequest): boolean
  /** An error that the vendor answers whatever is asked, while a switch is on. */
  spoilt(request: HttpRequest): RestError | undefined
}

interface ElementAnswer {
  readonly status: number
  readonly error?: RestError
}

/** Every endpoint that is played. */
export function linkedinRoutes(context: RoutesContext): Routed<HttpHandler>[] {
  const { book, segments } = context
  const checked = (handler: HttpHandler): HttpHandler => {
    return (request) => {
      const error = headerProblem(request, context.isLiving) ?? context.spoilt(request)
      return error === undefined ? handler(request) : restRefusal(error)
    }
  }
  const limited = (handler: HttpHandler): HttpHandler => {
    return (request) => (context.perMinute.take() && context.perDay.take() ? handler(request) : restRefusal(restErrors.tooMany))
  }

  const answerElement = (
    element: unknown,
    audience: Audience,
    changes: Change[],
    isPoisoned: ReturnType<typeof context.isPoisoned>,
  ): ElementAnswer => {
    const wish = readElement(element, context.takesAppleIdfa())
    if ('error' in wish) return { status: wish.error.status, error: wish.error }
    const { keys, member } = wish
    if (isPoisoned?.(keys) === true) return { status: 400, error: badRequest('The element could not be processed') }
    if (context.isUnavailable(keys)) return { status: 503, error: restErrors.unavailable }
    // names alone find nobody here; adding who is there and removing who is gone are answered alike
    if (keys.length > 0) changes.push({ audienceId: audience.id, keys, member })
    return { status: 201 }
  }

  const users: HttpHandler = (request) => {
    const segment = segments.find(request.parameters.segment ?? '')
    const audience = book.find(request.parameters.segment ?? '')
    const isSettling = segment !== undefined && context.now() - segment.createdAt < context.settleMs()
    if (audience === undefined || isSettling) return restRefusal(restErrors.notFound)
    if (request.headers['content-type']?.startsWith('application/json') !== true) return restRefusal(restErrors.wrongType)
    const body = parseJson(request.body)?.value
    if (!isRecord(body)) return restRefusal(badRequest('The body must be a JSON object'))
    const changes: Change[] = []
    const method = request.headers['x-restli-method']
    if (method === undefined) {
      // without the header the body is one bare element
      const answer = answerElement(body, audience, changes, context.isPoisoned())
      context.work.submit(changes)
      return answer.error === undefined ? restReply(201, undefined, { items: 1 }) : { ...restRefusal(answer.error), items: 1 }
    }
    if (String(method).toUpperCase() !== 'BATCH_CREATE') return restRefusal(badRequest('X-RestLi-Method is not supported here'))
    const { elements } = body
    if (!Array.isArray(elements) || Object.keys(body).length > 1)
      return restRefusal(badRequest('The body must have elements, and nothing else'))
    if (elements.length === 0 || elements.length > context.maxElements())
      return restRefusal(badRequest(`A batch takes 1 to ${context.maxElements()} elements`))
    const isPoisoned = context.isPoisoned()
    const answers = elements.map((element: unknown) => answerElement(element, audience, changes, isPoisoned))
    context.work.submit(changes)
    if (context.answersWrongCount(request)) answers.pop()
    return restReply(200, { elements: answers }, { items: elements.length })
  }

  const create: HttpHandler = ({ body: bytes }) => {
    const body = parseJson(bytes)?.value
    if (!isRecord(body)) return restRefusal(badRequest('The body must be a JSON object'))
    const [name, account] = [textOf(body.name), textOf(body.account)]
    const [sourcePlatform, sourceSegmentId] = [textOf(body.sourcePlatform), textOf(body.sourceSegmentId)]
    if (name === undefined || sourcePlatform === undefined || sourceSegmentId === undefined)
      return restRefusal(badRequest('name, sourcePlatform and sourceSegmentId are required'))
    if (account === undefined || account !== segments.all()[0]?.account) return restRefusal(restErrors.noAccess)
    if (body.type !== 'USER' || !Array.isArray(body.destinations)) return restRefusal(badRequest('type must be USER, with destinations'))
    const { id } = segments.create({ name, account, sourcePlatform, sourceSegmentId })
    return restReply(201, undefined, { headers: { 'x-restli-id': id } })
  }

  const view = (segment: Segment): Record<string, unknown> => ({
    id: Number(segment.id),
    name: segment.name,
    account: segment.account,
    sourcePlatform: segment.sourcePlatform,
    sourceSegmentId: segment.sourceSegmentId,
    type: 'USER',
    status: stateOf(segment),
    destinations: [{ destination: 'LINKEDIN', status: stateOf(segment) }],
  })
  const stateOf = ({ createdAt }: Segment): string => {
    if (context.now() - createdAt < context.settleMs()) return 'BUILDING'
    return context.work.underWay() > 0 ? 'UPDATING' : 'READY'
  }
  const find: HttpHandler = ({ query }) => {
    if (query.get('q') !== 'account') return restRefusal(badRequest('q must be account'))
    const [platform, source] = [query.get('sourcePlatform'), query.get('sourceSegmentId')]
    const found = segments
      .all()
      .filter(({ account }) => account === query.get('account'))
      .filter(({ sourcePlatform }) => platform === null || sourcePlatform === platform)
      .filter(({ sourceSegmentId }) => source === null || sourceSegmentId === source)
    return restReply(200, { elements: found.map(view), paging: { start: 0, count: found.length, total: found.length } })
  }
  const read: HttpHandler = ({ parameters }): HttpReply => {
    const segment = segments.find(parameters.segment ?? '')
    return segment === undefined ? restRefusal(restErrors.notFound) : restReply(200, view(segment))
  }

  return [
    { method: 'POST', template: '/rest/dmpSegments/{segment}/users', handler: checked(limited(users)) },
    { method: 'POST', template: '/rest/dmpSegments', handler: checked(create) },
    { method: 'GET', template: '/rest/dmpSegments', handler: checked(find) },
    { method: 'GET', template: '/rest/dmpSegments/{segment}', handler: checked(read) },
  ]
}

function headerProblem({ headers }: HttpRequest, isLiving: (version: string) => boolean): RestError | undefined {
  const version = headers['linkedin-version']
  if (typeof version !== 'string') return restErrors.noVersion
  if (!/^20\d{4}$/.test(version)) return badRequest('LinkedIn-Version must have the form YYYYMM')
  if (!isLiving(version)) return restErrors.deadVersion
  return headers['x-restli-protocol-version'] === '2.0.0' ? undefined : badRequest('X-Restli-Protocol-Version must be 2.0.0')
}
