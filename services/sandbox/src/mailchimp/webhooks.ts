import { createHmac, randomUUID } from 'node:crypto'
import type { Fact, Store } from '../frame/store.ts'
import type { Stage } from '../frame/vendor.ts'
import { idOf } from './account.ts'
import { isRecord } from './member-changes.ts'
import { type FieldError, invalidResource, type Problem } from './problems.ts'

/** What can happen to a contact, and who can have done it, as webhooks name them. */
export const WEBHOOK_EVENTS = ['subscribe', 'unsubscribe', 'profile', 'cleaned', 'upemail', 'campaign'] as const
export const WEBHOOK_SOURCES = ['user', 'admin', 'api'] as const
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number]
export type WebhookSource = (typeof WEBHOOK_SOURCES)[number]

/** A webhook of an audience. Without a secret it is one from before signing existed: its calls carry no signature. */
export interface Webhook {
  readonly id: string
  readonly listId: string
  readonly url: string
  readonly events: Readonly<Record<WebhookEvent, boolean>>
  readonly sources: Readonly<Record<WebhookSource, boolean>>
  readonly secret?: string | undefined
}

/** One call to a receiver, as tests may ask for it; it names nobody. */
export interface WebhookCall {
  readonly webhookId: string
  readonly event: WebhookEvent
  readonly attempt: number
  /** The receiver's status, or `'none'` when it gave none in time. */
  readonly status: number | 'none'
}

interface PendingDelivery {
  readonly id: string
  readonly webhookId: string
  readonly event: WebhookEvent
  /** The form-encoded body, the same at each attempt. */
  readonly body: string
  readonly attempt: number
  readonly dueAt: number
}

/** The sending side of webhooks: at least once, no order, no delivery id. */
export interface Webhooks {
  add(listId: string, body: unknown, options?: { signed?: boolean }): Promise<{ webhook: Webhook } | { problem: Problem }>
  find(listId: string, id: string): Webhook | undefined
  of(listId: string): Webhook[]
  remove(id: string): void
  /** Tells every webhook of the list that wants this event from this source. */
  announce(listId: string, event: WebhookEvent, source: WebhookSource, data: Readonly<Record<string, string>>): void
  /** The calls made so far, oldest first. */
  calls(): readonly WebhookCall[]
  /** Resolves when no call is under way; later retries may still be planned. */
  idle(): Promise<void>
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  clear(): void
}

// Waits between the attempts, about 75 minutes in all.
const RETRY_AFTER_SECONDS = [60, 240, 600, 1200, 2400]
const ANSWER_WITHIN_MS = 10_000

/** No webhooks yet. `twice` says whether this delivery is to be repeated although it was taken. */
export function createWebhooks(stage: Stage, store: () => Store, twice: () => boolean): Webhooks {
  const webhooks = new Map<string, Webhook>()
  const pending = new Map<string, PendingDelivery>()
  const under_way = new Set<Promise<void>>()
  const calls: WebhookCall[] = []

  const keep = (delivery: PendingDelivery): void => {
    pending.set(delivery.id, delivery)
    store().put('webhook-delivery', delivery.id, delivery)
    plan(delivery)
  }
  const settle = (delivery: PendingDelivery): void => {
    pending.delete(delivery.id)
    store().remove('webhook-delivery', delivery.id)
  }
  const plan = (delivery: PendingDelivery): void => {
    stage.clock.after(delivery.dueAt - stage.clock.now(), () => {
      const call = attempt(delivery).finally(() => under_way.delete(call))
      under_way.add(call)
      return call
    })
  }
  const attempt = async (delivery: PendingDelivery): Promise<void> => {
    const webhook = webhooks.get(delivery.webhookId)
    if (pending.get(delivery.id) !== delivery) return
    if (webhook === undefined) return settle(delivery)
    const status = await call(webhook, delivery.body)
    calls.push({ webhookId: webhook.id, event: delivery.event, attempt: delivery.attempt, status })
    settle(delivery)
    const wait = RETRY_AFTER_SECONDS[delivery.attempt - 1]
    if (status === 200 || wait === undefined) return
    keep({ ...delivery, attempt: delivery.attempt + 1, dueAt: stage.clock.now() + wait * 1000 })
  }

  return {
    async add(listId, body, options = {}) {
      const read = readWebhook(body)
      if ('errors' in read) return { problem: invalidResource(read.errors) }
      if ((await status(read.url, { method: 'GET' })) !== 200) {
        return { problem: invalidResource([{ field: 'url', message: 'We could not connect to the webhook URL.' }]) }
      }
      const webhook: Webhook = {
        id: stage.random.hex(10),
        listId,
        ...read,
        secret: options.signed === false ? undefined : idOf(`secret/${randomUUID()}`, 32),
      }
      webhooks.set(webhook.id, webhook)
      store().put('webhook', webhook.id, webhook)
      return { webhook }
    },
    find(listId, id) {
      const webhook = webhooks.get(id)
      return webhook?.listId === listId ? webhook : undefined
    },
    of: (listId) => [...webhooks.values()].filter((webhook) => webhook.listId === listId),
    remove(id) {
      webhooks.delete(id)
      store().remove('webhook', id)
    },
    announce(listId, event, source, data) {
      const now = stage.clock.now()
      const firedAt = new Date(now).toISOString().slice(0, 19).replace('T', ' ')
      for (const webhook of webhooks.values()) {
        if (webhook.listId !== listId || !webhook.events[event] || !webhook.sources[source]) continue
        const fields = Object.entries({ ...data, list_id: listId }).map(([name, value]): [string, string] => [`data[${name}]`, value])
        const body = new URLSearchParams([['type', event], ['fired_at', firedAt], ...fields]).toString()
        for (let copies = twice() ? 2 : 1; copies > 0; copies -= 1) {
          keep({ id: randomUUID(), webhookId: webhook.id, event, body, attempt: 1, dueAt: now })
        }
      }
    },
    calls: () => calls,
    async idle() {
      while (under_way.size > 0 || [...pending.values()].some(({ dueAt }) => dueAt <= stage.clock.now())) {
        await Promise.allSettled(under_way)
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    *facts() {
      for (const webhook of webhooks.values()) yield ['webhook', webhook.id, webhook]
      for (const delivery of pending.values()) yield ['webhook-delivery', delivery.id, delivery]
    },
    restore([kind, id, value]) {
      if (kind === 'webhook') webhooks.set(id, value as Webhook)
      else if (kind === 'webhook-delivery') {
        const delivery = value as PendingDelivery
        pending.set(id, delivery)
        plan(delivery)
      } else return false
      return true
    },
    clear() {
      for (const [kind, id] of this.facts()) store().remove(kind, id)
      webhooks.clear()
      pending.clear()
      calls.length = 0
    },
  }
}

/** Signs and posts; only a 200 within ten seconds counts. The signature is dated by real time, which is what a receiver compares with. */
function call(webhook: Webhook, body: string): Promise<number | 'none'> {
  const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'MailChimp' }
  if (webhook.secret !== undefined) {
    const seconds = Math.floor(Date.now() / 1000)
    const digest = createHmac('sha256', webhook.secret).update(`${seconds}.${body}`).digest('hex')
    headers['x-mailchimp-signature'] = `t=${seconds},v1=${digest}`
  }
  return status(webhook.url, { method: 'POST', headers, body })
}

async function status(url: string, request: RequestInit): Promise<number | 'none'> {
  try {
    const response = await fetch(url, { ...request, redirect: 'manual', signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
    await response.body?.cancel()
    return response.status
  } catch {
    return 'none'
  }
}

function readWebhook(body: unknown): Pick<Webhook, 'url' | 'events' | 'sources'> | { errors: FieldError[] } {
  const errors: FieldError[] = []
  const given = isRecord(body) ? body : {}
  const flags = <T extends string>(field: string, names: readonly T[]): Record<T, boolean> => {
    const values = given[field]
    if (values !== undefined && !isRecord(values)) errors.push({ field, message: 'Schema describes object' })
    return Object.fromEntries(names.map((name) => [name, isRecord(values) && values[name] === true])) as Record<T, boolean>
  }
  const { url } = given
  if (typeof url !== 'string' || !/^https?:\/\/\S+$/.test(url) || !URL.canParse(url)) {
    errors.push({ field: 'url', message: 'Please enter a valid URL.' })
  }
  const events = flags('events', WEBHOOK_EVENTS)
  const sources = flags('sources', WEBHOOK_SOURCES)
  return errors.length > 0 || typeof url !== 'string' ? { errors } : { url, events, sources }
}
