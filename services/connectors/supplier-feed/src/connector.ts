import {
  type Connector,
  type Descriptor,
  feedDescriptor,
  feedStore,
  fileTransport,
  type HttpRequest,
  httpTransport,
  type Interpretation,
  interpretFile,
  isTrusted,
  type NothingToSend,
  type PlannedRequest,
  parseEndpoint,
  publicLookup,
  putFile,
  readAck,
  SettingsError,
  type Task,
  type Transport,
  type TransportTools,
  watchAnswers,
} from '@heed/connector-kit'
import { systemClock } from '@heed/platform/clock'
import { z } from 'zod'
import { lastWords, meaningOf } from './answers.ts'
import { jsonType, noteRefusals, provenTransport } from './endpoint.ts'
import { bodyOf, type EventType, eventsOf, feedIdentifiers } from './events.ts'
import { feedRowsOf, rowsFile } from './feed-rows.ts'
import { parseSettings, type SupplierFeedSettings, type WebhookSettings } from './settings.ts'
import { webhookAuthentication } from './signing.ts'

/** What is kept of a message: how the partner will call it. */
const eventNote = z.object({ requestId: z.string() })

/**
 * Partners that are told by a signed message for each wish of a person (Standard Webhooks), or by numbered files. A message keeps its id over all tries, so that it is
 * taken once; tries never end, they only come further and further apart.
 */
export const supplierFeed: Connector<SupplierFeedSettings> = {
  descriptor: (settings) => ({
    name: 'supplier-feed',
    docs: 'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
    identifiers: feedIdentifiers,
    erasure: true,
    ...(settings.transport === 'webhook' ? webhookDescriptor(settings) : feedDescriptor(settings)),
  }),
  parseSettings,
  connect: (settings, tools) =>
    settings.transport === 'webhook' ? webhookTransport(settings, tools) : fileTransport(feedStore(settings, tools.credentials)),

  plan(tasks, settings, batch) {
    if (settings.transport !== 'webhook') {
      const [told, nothing] = sortOut(tasks, (task) => feedRowsOf(task, settings, batch.extent).length > 0)
      if (told.length === 0 && tasks.length > 0 && batch.extent === 'delta') return nothing
      const { file, rows } = rowsFile(told, settings, batch)
      const covers = told.map(({ deliveryId }) => deliveryId)
      return [...nothing, putFile(file, settings, batch, { covers, rows: rows.map(({ deliveryId }) => deliveryId) })]
    }
    const [told, nothing] = sortOut(tasks, (task) => eventsOf(task, settings).length > 0)
    return [...nothing, ...told.flatMap((task) => messagesOf(task, settings))]
  },

  interpret(request, answer, settings): Interpretation {
    if (settings.transport !== 'webhook') return interpretFile(request, answer, settings)
    if (request.via !== 'http' || answer.via !== 'http') return { outcomes: [] }
    const requestId = eventNote.safeParse(request.note).data?.requestId ?? ''
    const meaning = meaningOf(answer, settings, requestId)
    if ('awaited' in meaning) return { outcomes: [], job: { id: requestId, pollAfterSeconds: longestSilenceSeconds } }
    const { outcome, halt } = meaning
    return {
      outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome })),
      ...(halt === undefined ? {} : { halt }),
    }
  },

  follow(job, covers, settings) {
    // a partner with an endpoint calls by itself, and is never asked
    if (settings.transport === 'webhook') throw new TypeError('a webhook has nothing to be asked')
    return readAck(job, covers, settings)
  },

  hear: ({ status }, covers) => ({ outcomes: covers.map((deliveryId) => ({ deliveryId, outcome: lastWords[status] })) }),
}

/** How long a message waits for the partner's call before somebody looks whether it is overdue. */
const longestSilenceSeconds = 3_600

function webhookDescriptor(settings: WebhookSettings): Omit<Descriptor, 'name' | 'docs' | 'identifiers'> {
  const { concurrentRequests, requestsPerMinute, acknowledgement, acknowledgeWithinDays, retryScheduleSeconds } = settings
  const confirmation = { 'in-response': 'in-response', callback: 'by-job', none: 'never' } as const
  return {
    batch: { maxTasks: 100 },
    rate: { concurrentRequests, ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }) },
    confirmation: confirmation[acknowledgement],
    timeoutMs: 15_000,
    maxAnswerBytes: 64 * 1024,
    retry: { scheduleSeconds: retryScheduleSeconds },
    // a repeat is known by its id; the pause is for a partner that still works on the message when a newer wish comes
    quietAfterUnknownSeconds: 15,
    ...(acknowledgement === 'callback'
      ? { jobs: { maxPollSeconds: 86_400, giveUpAfterSeconds: acknowledgeWithinDays * 86_400, newerMayOvertake: true, reported: true } }
      : {}),
  }
}

/** Tasks that say something, and the outcome of those that do not. */
function sortOut(tasks: readonly Task[], saysSomething: (task: Task) => boolean): [Task[], NothingToSend[]] {
  const told: Task[] = []
  const nothing: NothingToSend[] = []
  for (const task of tasks) {
    if (saysSomething(task)) told.push(task)
    else
      nothing.push({
        via: 'nothing',
        covers: [task.deliveryId],
        outcome: { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' },
      })
  }
  return [told, nothing]
}

function messagesOf(task: Task, settings: WebhookSettings): PlannedRequest[] {
  const { pathname, search } = new URL(settings.url)
  return eventsOf(task, settings).map(
    (event): HttpRequest => ({
      via: 'http',
      intent: 'assert',
      name: requestNames[event.type],
      method: 'POST',
      path: pathname + search,
      covers: [task.deliveryId],
      headers: { 'webhook-id': event.id, 'content-type': jsonType },
      body: { json: bodyOf(event, settings) },
      note: { requestId: event.requestId },
    }),
  )
}

const requestNames: Readonly<Record<EventType, string>> = {
  'preference.opt_out': 'opt-out.post',
  'preference.opt_in': 'opt-in.post',
  'preference.topic_opt_out': 'topic-opt-out.post',
  'preference.topic_opt_in': 'topic-opt-in.post',
  'privacy.erasure': 'erasure.post',
}

// what travels is compared with the partner's own clock, and its times are by that: not by one that a test has turned
const wallClock = systemClock

/** The way to a partner's endpoint. Throws `SettingsError` where a host is to be trusted outside development. */
function webhookTransport(settings: WebhookSettings, { credentials, descriptor, development }: TransportTools): Transport {
  const { trustedHosts, certificateAuthorities, clientCertificate } = settings
  if (trustedHosts.length > 0 && development !== true)
    throw new SettingsError('trustedHosts', 'is for development: HEED_ENV must say so, or it must be empty')
  const url = parseEndpoint('url', settings.url, { ports: settings.ports, trusted: trustedHosts })
  const { clientKey } = settings.credentials
  const inner = httpTransport({
    baseUrl: url.origin,
    descriptor,
    authentication: webhookAuthentication(credentials, settings.credential, settings.signature, wallClock),
    longAnswers: 'cut',
    ...(isTrusted(url, { trusted: trustedHosts }) ? { insecure: true } : { lookup: publicLookup() }),
    ...(certificateAuthorities === undefined ? {} : { certificateAuthorities }),
    ...(clientCertificate === undefined || clientKey === undefined
      ? {}
      : { clientCertificate: async () => ({ certificate: clientCertificate, key: await credentials.read(clientKey) }) }),
  })
  const noted = watchAnswers(inner, noteRefusals(wallClock))
  return settings.ping ? provenTransport(noted, url.pathname + url.search, wallClock) : noted
}
