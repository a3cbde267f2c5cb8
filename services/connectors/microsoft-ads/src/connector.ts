import {
  type Connector,
  combineOutcomes,
  type HttpRequest,
  type Interpretation,
  membershipOf,
  type NothingToSend,
  type Task,
} from '@heed/connector-kit'
import type { DeliveryId, Outcome } from '@heed/domain'
import { z } from 'zod'
import { itemFailure, type Report, reportOf, requestFailure, trackingIdOf } from './answers.ts'
import { connect } from './connect.ts'
import { type MicrosoftAdsSettings, parseSettings } from './settings.ts'

/** The most items in one request. https://learn.microsoft.com/en-us/advertising/campaign-management-service/customerlistuserdata */
const maxItems = 1_000

/** What is kept of a request: the delivery of each item by its place among those covered, and whether it is what was left of one in part refused. */
const noteShape = z.object({
  items: z.array(z.number().int().nonnegative()),
  remainder: z.boolean(),
  /** What the first try said about other items of the same people. */
  refused: z.array(z.tuple([z.number().int().nonnegative(), z.templateLiteral(['item.', z.string()])])),
})
type Note = z.output<typeof noteShape>

/** One address of one person. */
interface Item {
  readonly deliveryId: DeliveryId
  readonly hash: string
}

/**
 * Microsoft Advertising (Bing Ads), by the user data of its customer lists, REST v13. What was taken cannot be read back, and the vendor never says more than that it
 * took it.
 */
export const microsoftAds: Connector<MicrosoftAdsSettings> = {
  descriptor: ({ requestsPerMinute, concurrentRequests }) => ({
    name: 'microsoft-ads',
    docs: 'https://learn.microsoft.com/en-us/advertising/campaign-management-service/applycustomerlistuserdata?view=bingads-13',
    identifiers: ['email'],
    batch: { maxTasks: maxItems, inOneRequest: true },
    rate: { concurrentRequests, requestsPerMinute },
    confirmation: 'never',
    timeoutMs: 60_000,
    reassertEveryDays: 30,
    retry: { scheduleSeconds: [5, 10, 20, 40, 80, 160, 320, 640, 900] },
    // a repeat is harmless, but an addition and a removal of one person must not be at work together
    quietAfterUnknownSeconds: 10,
  }),
  parseSettings,
  account: ({ baseUrl, customerId, customerAccountId }) => `microsoft-ads:${baseUrl}:${customerId}:${customerAccountId}`,
  connect,

  plan(tasks, settings) {
    const nothing: NothingToSend[] = []
    const changes: Record<'Remove' | 'Add', Item[]> = { Remove: [], Add: [] }
    for (const task of tasks) {
      const membership = membershipOf(task)
      const items = itemsOf(task, membership === 'in')
      if (membership === 'unsaid' || items.length === 0) {
        const reason = items.length === 0 ? 'not-applicable.no-identifier' : 'not-applicable.nothing-held-there'
        nothing.push({ via: 'nothing', covers: [task.deliveryId], outcome: { kind: 'notApplicable', reason } })
      } else changes[membership === 'out' ? 'Remove' : 'Add'].push(...items)
    }
    const requests = settings.audiences.flatMap((audience) =>
      (['Remove', 'Add'] as const).flatMap((action) => {
        const parts: HttpRequest[] = []
        for (let from = 0; from < changes[action].length; from += maxItems)
          parts.push(requestOf(audience, action, changes[action].slice(from, from + maxItems), settings))
        return parts
      }),
    )
    return [...nothing, ...requests]
  },

  interpret(request, answer) {
    if (request.via !== 'http' || answer.via !== 'http') return { outcomes: [] }
    const trace = trackingIdOf(answer)
    return { ...meaningOf(request, answer.status, reportOf(answer.body), trace), ...(trace === undefined ? {} : { trace }) }
  },
}

function itemsOf({ deliveryId, identifiers }: Task, adds: boolean): Item[] {
  return (
    identifiers
      .filter(({ kind, form }) => kind === 'email' && form === 'plain-sha256-hex')
      // what a former rule made takes a person out of an old list, and adds nobody
      .filter(({ former }) => !adds || former === undefined)
      .map(({ value: hash }) => ({ deliveryId, hash }))
  )
}

function requestOf(audience: string, action: 'Add' | 'Remove', items: readonly Item[], settings: MicrosoftAdsSettings): HttpRequest {
  const covers = [...new Set(items.map(({ deliveryId }) => deliveryId))]
  const place = new Map(covers.map((deliveryId, index) => [deliveryId, index]))
  const note: Note = { items: items.map(({ deliveryId }) => place.get(deliveryId) ?? 0), remainder: false, refused: [] }
  return {
    via: 'http',
    intent: 'assert',
    name: 'list.apply',
    method: 'POST',
    path: '/CampaignManagement/v13/CustomerListUserData/Apply',
    headers: { CustomerId: settings.customerId, CustomerAccountId: settings.customerAccountId },
    covers,
    note,
    body: {
      json: {
        CustomerListUserData: {
          AudienceId: audience,
          ActionType: action,
          CustomerListItemSubType: 'Email',
          CustomerListItems: items.map(({ hash }) => hash),
        },
      },
    },
  }
}

type Said = Interpretation['outcomes'][number]

const combined = (said: readonly Said[]): Said[] => [...combineOutcomes(said)].map(([deliveryId, outcome]) => ({ deliveryId, outcome }))

function meaningOf(request: HttpRequest, status: number, report: Report | undefined, receipt: string | undefined): Interpretation {
  const note = noteShape.safeParse(request.note).data
  if (note === undefined) return { outcomes: [] }
  const of = (place: number | undefined, outcome: Outcome): Said[] => {
    const deliveryId = request.covers[place ?? -1]
    return deliveryId === undefined ? [] : [{ deliveryId, outcome }]
  }
  const done = status >= 200 && status < 300 && report?.speaksOfItems === true
  const errors = report?.errors ?? []
  // an error of no item, or of one that was not sent: nothing counts as done
  const whole = errors.filter(({ index }) => index === undefined || index >= note.items.length)
  if (whole.length > 0 || (errors.length === 0 && !done)) {
    const outcome = requestFailure(status, whole)
    return { outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome })) }
  }
  const named = new Map(errors.map(({ code, index = -1 }) => [index, itemFailure(code)]))
  const said = [...named].flatMap(([item, outcome]) => of(note.items[item], outcome))
  const left = [...note.items.keys()].filter((item) => !named.has(item))
  // the others count as taken, by the usual rule of this vendor; since its page on this call does not say so, they are told once more
  if (named.size > 0 && left.length > 0 && !note.remainder) return remainderOf(request, note, left, said)
  const accepted: Outcome = { kind: 'accepted', final: true, ...(receipt === undefined ? {} : { receipt }) }
  const rest = left.flatMap((item) => of(note.items[item], done ? accepted : requestFailure(status, [])))
  const before = note.refused.flatMap(([place, reason]) => of(place, { kind: 'rejected', reason }))
  return { outcomes: combined([...said, ...rest, ...before]) }
}

const isItemReason = (reason: string): reason is `item.${string}` => reason.startsWith('item.')

const bodyShape = z.object({ CustomerListUserData: z.looseObject({ CustomerListItems: z.array(z.string()) }) })

/** The items that nothing was said about, once more. What was said about another item of the same person goes along and is told with the rest of hers. */
function remainderOf(request: HttpRequest, note: Note, left: readonly number[], said: readonly Said[]): Interpretation {
  const data =
    request.body !== undefined && 'json' in request.body ? bodyShape.safeParse(request.body.json).data?.CustomerListUserData : undefined
  const waiting = new Set(left.map((item) => note.items[item]))
  const oldPlaces = [...request.covers.keys()].filter((place) => waiting.has(place))
  const place = new Map(oldPlaces.map((old, index) => [old, index]))
  const covers = oldPlaces.flatMap((old) => request.covers[old] ?? [])
  const refused = said.flatMap(({ deliveryId, outcome }): Note['refused'] => {
    const at = covers.indexOf(deliveryId)
    return at < 0 || outcome.kind !== 'rejected' || !isItemReason(outcome.reason) ? [] : [[at, outcome.reason]]
  })
  const items = left.map((item) => place.get(note.items[item] ?? -1) ?? 0)
  return {
    outcomes: combined(said.filter(({ deliveryId, outcome }) => !covers.includes(deliveryId) || outcome.kind === 'deferred')),
    next: {
      ...request,
      covers,
      note: { items, remainder: true, refused } satisfies Note,
      body: { json: { CustomerListUserData: { ...data, CustomerListItems: left.map((item) => data?.CustomerListItems[item] ?? '') } } },
    },
  }
}
