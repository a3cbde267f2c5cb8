import type { Audience, AudienceBook } from '../audience/book.ts'
import { isSha256, type Key, type Person, sha256 } from '../audience/people.ts'
import type { Work } from '../audience/work.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../frame/http-play.ts'
import { isRecord, parseJson } from '../frame/json.ts'
import type { Quota } from '../frame/quota.ts'
import type { Routed } from '../frame/router.ts'
import { type AdsError, adsErrors, partialError, tracked } from './fault-details.ts'

/** What the routes need. */
export interface RoutesContext {
  readonly customerId: string
  readonly book: AudienceBook
  readonly work: Work
  readonly perMinute: Quota
  fault(error: AdsError, message?: string): HttpReply
  termsAccepted(): boolean
  membershipDurationDays(): number
  expiry(): number | undefined
  isPoisoned(): ((keys: readonly Key[]) => boolean) | undefined
  /** Whether this item meets an error that passes. */
  hasFailed(): ((keys: readonly Key[]) => boolean) | undefined
  /** Whether the whole request is said to have failed, by a partial error without an index. */
  takesNothing(request: HttpRequest): boolean
  /** An error whatever is asked, while a switch is on. */
  spoilt(request: HttpRequest): HttpReply | undefined
}

const FIELDS = ['AudienceId', 'ActionType', 'CustomerListItemSubType', 'CustomerListItems', 'AcceptCustomerMatchTerm']
const SUB_TYPES = ['Email', 'Phone', 'CRM']
const MAX_ITEMS = 1000
const MAX_IDS = 100

/** The keys under which Microsoft finds a person: addresses only, with dots and suffixes. */
export function keysOf({ addresses = [] }: Person): Key[] {
  return addresses.map((address) => `email:${sha256(address.trim().toLowerCase())}`)
}

/** Every endpoint that is played. */
export function microsoftRoutes(context: RoutesContext): Routed<HttpHandler>[] {
  const { book, fault } = context
  const bad = (message: string): HttpReply => fault(adsErrors.badRequest, message)
  const counted = (handler: HttpHandler): HttpHandler => {
    return (request) => {
      if (!context.perMinute.take()) return fault(adsErrors.tooManyCalls)
      return context.spoilt(request) ?? handler(request)
    }
  }

  const apply: HttpHandler = (request) => {
    if (request.headers['content-type']?.startsWith('application/json') !== true) return bad('The content type must be application/json')
    const body = parseJson(request.body)?.value
    const data = isRecord(body) ? body.CustomerListUserData : undefined
    if (!isRecord(data)) return bad('CustomerListUserData is required')
    const stray = Object.keys(data).find((name) => !FIELDS.includes(name))
    if (stray !== undefined) return bad(`Unknown element ${stray}`)
    const { AudienceId: id, ActionType: action, CustomerListItemSubType: subType, CustomerListItems: items } = data
    // a JSON number of 64 bits has lost digits on the way
    if (typeof id !== 'string' || !/^\d+$/.test(id)) return bad('AudienceId must be a number in a string')
    if (!Array.isArray(items) || items.length === 0 || items.length > MAX_ITEMS)
      return bad(`CustomerListItems takes 1 to ${MAX_ITEMS} items`)
    const refuse = (error: AdsError): HttpReply => ({ ...fault(error), items: items.length })
    const audience = book.find(id)
    if (audience === undefined) return refuse(adsErrors.unknownList)
    if (action !== 'Add' && action !== 'Remove' && action !== 'Replace') return refuse(adsErrors.unknownAction)
    if (!SUB_TYPES.some((known) => known === subType)) return bad('CustomerListItemSubType is unknown')
    if (subType !== 'Email') return refuse(adsErrors.unknownSubType)
    const accepts = data.AcceptCustomerMatchTerm ?? context.termsAccepted()
    if (accepts !== true) return refuse(adsErrors.termsNotAccepted)
    if (context.takesNothing(request)) return tracked({ PartialErrors: [partialError(0, 'InternalError', null)] }, items.length)

    return applyItems(audience, action, items)
  }

  const applyItems = (audience: Audience, action: 'Add' | 'Remove' | 'Replace', items: readonly unknown[]): HttpReply => {
    const [isPoisoned, hasFailed] = [context.isPoisoned(), context.hasFailed()]
    const errors: object[] = []
    const taken: Key[] = []
    for (const [index, item] of items.entries()) {
      if (item === null || item === '') errors.push(partialError(8006, 'EitherEmailOrCRMIDShouldBeProvided', index))
      else if (typeof item !== 'string' || !isSha256(item)) errors.push(partialError(8004, 'EmailMustBeHashed', index))
      else if (isPoisoned?.([`email:${item}`]) === true) errors.push(partialError(8004, 'EmailMustBeHashed', index, 'EditorialError'))
      else if (hasFailed?.([`email:${item}`]) === true) errors.push(partialError(0, 'InternalError', index))
      else taken.push(`email:${item}`)
    }
    if (action === 'Replace') book.empty(audience)
    const expiresAt = context.expiry()
    const member = action !== 'Remove'
    const ending = member && expiresAt !== undefined ? { expiresAt } : {}
    context.work.submit(taken.map((key) => ({ audienceId: audience.id, keys: [key], member, ...ending })))
    // nothing wrong is an empty array or null, as it comes
    const none = items.length % 2 === 0 ? [] : null
    const remark = action === 'Replace' ? 'a whole list replaced' : undefined
    return tracked({ PartialErrors: errors.length === 0 ? none : errors }, items.length, remark)
  }

  const query: HttpHandler = ({ body: bytes }) => {
    const body = parseJson(bytes)?.value
    if (!isRecord(body)) return bad('The body must be a JSON object')
    const ids = body.AudienceIds ?? []
    if (!Array.isArray(ids) || ids.length > MAX_IDS) return bad(`AudienceIds takes at most ${MAX_IDS} ids`)
    if (typeof body.Type !== 'string' || !body.Type.split(',').includes('CustomerList'))
      return tracked({ Audiences: [], PartialErrors: [] })
    const asked = ids.length === 0 ? book.audiences() : ids.map((id: unknown) => (typeof id === 'string' ? book.find(id) : undefined))
    const missing = asked.flatMap((audience, index) =>
      audience === undefined ? [partialError(adsErrors.unknownList.code, adsErrors.unknownList.errorCode, index)] : [],
    )
    return tracked({ Audiences: asked.map((audience) => (audience === undefined ? null : view(audience))), PartialErrors: missing })
  }
  const view = (audience: Audience): object => ({
    Id: audience.id,
    Name: audience.name,
    Type: 'CustomerList',
    ParentId: context.customerId,
    Scope: 'Customer',
    MembershipDuration: context.membershipDurationDays(),
    SearchSize: String(book.members(audience)),
  })

  return [
    { method: 'POST', template: '/CampaignManagement/v13/CustomerListUserData/Apply', handler: counted(apply) },
    { method: 'POST', template: '/CampaignManagement/v13/Audiences/QueryByIds', handler: counted(query) },
  ]
}
