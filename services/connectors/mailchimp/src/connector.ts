import type { Connector, HttpAnswer, HttpRequest, Interpretation, Job, NothingToSend, PlannedRequest } from '@heed/connector-kit'
import { basicAuthentication, bearerAuthentication, httpTransport } from '@heed/connector-kit'
import type { DeliveryId, Outcome } from '@heed/domain'
import { z } from 'zod'
import { jsonOf, outcomeOf, quiet } from './answers.ts'
import { checkingAudiences } from './audience-check.ts'
import { readResults } from './batch-results.ts'
import { type Intent, type Operation, operationsOf } from './operations.ts'
import { type MailchimpSettings, parseSettings } from './settings.ts'

/** The most operations in one vendor batch: the vendor documents no cap that can be relied on, and 500 is the cap of its bulk call. */
const maxOperations = 500

/** What is kept of a batch: for each operation id (its place) the delivery and the intent. */
const batchNote = z.object({ operations: z.array(z.tuple([z.string(), z.string()])) })
/** What is kept of a single request. */
const memberNote = z.object({ intent: z.string() })

/**
 * Mailchimp, by its Marketing API 3.0. Few contacts go one by one, which answers at once; many go as vendor batches that are polled.
 * Never deletes to opt out: a deleted contact may be imported again.
 */
export const mailchimp: Connector<MailchimpSettings> = {
  descriptor: ({ concurrentRequests }) => ({
    name: 'mailchimp',
    docs: 'https://mailchimp.com/developer/marketing/api/list-members/',
    identifiers: ['email'],
    batch: { maxTasks: maxOperations },
    rate: { concurrentRequests },
    confirmation: 'in-response',
    erasure: true,
    // the vendor's own server gives up after 120 s; a request given up earlier still holds one of the ten connections and may still apply
    timeoutMs: 125_000,
    maxAnswerBytes: 16 * 1024 * 1024,
    quietAfterUnknownSeconds: 120,
    jobs: { maxPollSeconds: 60, giveUpAfterSeconds: 6 * 60 * 60 },
    readBack: { afterSeconds: 300, maxTasks: 5, share: 0.02 },
  }),
  parseSettings,
  account: ({ credential, baseUrl }) => `mailchimp:${baseUrl}:${credential}`,
  connect: ({ baseUrl, credential, credentialIs, audiences }, { credentials, descriptor, clock, log }) =>
    checkingAudiences(
      httpTransport({
        baseUrl: `${baseUrl}/3.0`,
        descriptor,
        authentication:
          credentialIs === 'api-key' ? basicAuthentication(credentials, 'any', credential) : bearerAuthentication(credentials, credential),
      }),
      audiences.map(({ id }) => id),
      { clock, log },
    ),

  plan(tasks, settings) {
    const nothing: NothingToSend[] = []
    const operations = tasks.flatMap((task) => {
      const own = operationsOf(task, settings)
      if (own.length === 0)
        nothing.push({
          via: 'nothing',
          covers: [task.deliveryId],
          outcome: { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' },
        })
      return own
    })
    if (operations.length < settings.batchFrom) return [...nothing, ...operations.map(single)]
    const batches: PlannedRequest[] = []
    for (let from = 0; from < operations.length; from += maxOperations)
      batches.push(vendorBatch(operations.slice(from, from + maxOperations)))
    return [...nothing, ...batches]
  },

  interpret(request, answer) {
    if (request.via !== 'http' || answer.via !== 'http') return { outcomes: [] }
    switch (request.name) {
      case 'member.change':
        return interpretMember(request, answer)
      case 'batch.create':
      case 'batch.status':
        return interpretBatch(request, answer)
      case 'batch.results':
        return interpretResults(request, answer)
      case 'member.read':
        return interpretRead(request, answer)
      default:
        return { outcomes: [] }
    }
  },

  follow(job, covers) {
    return {
      via: 'http',
      intent: 'follow',
      name: 'batch.status',
      method: 'GET',
      path: `/batches/${encodeURIComponent(job.id)}`,
      covers,
      note: job.note,
    }
  },

  readBack(tasks, settings) {
    return tasks.flatMap((task) =>
      operationsOf(task, settings).map(
        (operation): HttpRequest => ({
          via: 'http',
          intent: 'read-back',
          name: 'member.read',
          method: 'GET',
          path: operation.path.replace(/\/actions\/.*$/, ''),
          query: { fields: 'status,interests' },
          covers: [operation.deliveryId],
          note: { intent: operation.intent, interests: operation.body?.interests ?? {} },
        }),
      ),
    )
  },
}

function single({ deliveryId, intent, method, path, query, body }: Operation): HttpRequest {
  return {
    via: 'http',
    intent: 'assert',
    name: 'member.change',
    method,
    path,
    query,
    covers: [deliveryId],
    note: { intent },
    ...(body === undefined ? {} : { body: { json: body } }),
  }
}

function vendorBatch(operations: readonly Operation[]): HttpRequest {
  return {
    via: 'http',
    intent: 'assert',
    name: 'batch.create',
    method: 'POST',
    path: '/batches',
    covers: [...new Set(operations.map(({ deliveryId }) => deliveryId))],
    note: { operations: operations.map(({ deliveryId, intent }) => [deliveryId, intent]) },
    body: {
      json: {
        operations: operations.map(({ method, path, query, body }, index) => ({
          method,
          path,
          operation_id: String(index),
          ...(Object.keys(query).length === 0 ? {} : { params: query }),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })),
      },
    },
  }
}

function interpretMember(request: HttpRequest, answer: HttpAnswer): Interpretation {
  const intent = memberNote.safeParse(request.note).data?.intent as Intent | undefined
  if (intent === undefined) return { outcomes: [] }
  const outcome = outcomeOf(intent, answer.status, jsonOf(answer.body.toString('utf8')))
  return { outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome })) }
}

const batchState = z.object({
  id: z.string().min(1).max(64),
  status: z.string(),
  errored_operations: z.number().optional(),
  response_body_url: z.string().optional(),
})

function interpretBatch(request: HttpRequest, answer: HttpAnswer): Interpretation {
  const all = (outcome: Outcome): Interpretation => ({ outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome })) })
  if (answer.status !== 200) {
    // what the vendor kept of a batch is gone after seven days: assert the same once more
    if (request.intent === 'follow' && answer.status === 404) return all({ kind: 'deferred', reason: 'unavailable.results-gone' })
    const outcome = outcomeOf('topics', answer.status, jsonOf(answer.body.toString('utf8')))
    return all(
      outcome.kind === 'rejected'
        ? { kind: 'deferred', reason: 'batch.refused' }
        : outcome.kind === 'notApplicable'
          ? { kind: 'deferred', reason: 'configuration.unexpected-answer' }
          : outcome,
    )
  }
  const state = batchState.safeParse(jsonOf(answer.body.toString('utf8'))).data
  const note = batchNote.safeParse(request.note).data
  if (state === undefined || note === undefined) return all({ kind: 'deferred', reason: 'unavailable.unreadable-answer' })
  if (state.status !== 'finished') return { outcomes: [], job: jobOf(state.id, request.note) }
  const asked = note.operations.map(([, intent]) => intent)
  // an opt-in's answer says whether the vendor waits for the person: only then the results are worth a request although nothing failed
  if (state.errored_operations === 0 && !asked.includes('opt-in') && !asked.includes('opt-in-pending')) return all({ kind: 'confirmed' })
  if (state.response_body_url === undefined || !/^https?:\/\//.test(state.response_body_url))
    return { outcomes: [], job: jobOf(state.id, request.note) }
  return {
    outcomes: [],
    next: {
      via: 'http',
      intent: 'follow',
      name: 'batch.results',
      method: 'GET',
      path: state.response_body_url,
      authenticated: false,
      covers: request.covers,
      note: { ...note, batchId: state.id },
    },
  }
}

const jobOf = (id: string, note: unknown): Job => ({ id, pollAfterSeconds: 5, note })

function interpretResults(request: HttpRequest, answer: HttpAnswer): Interpretation {
  const note = batchNote.extend({ batchId: z.string() }).safeParse(request.note).data
  if (note === undefined) return { outcomes: [] }
  const results = answer.status === 200 ? readResults(answer.body) : undefined
  // the address of the results lives ten minutes: asking for the batch again gives a new one
  if (results === undefined) return { outcomes: [], job: jobOf(note.batchId, { operations: note.operations }) }
  const answered = new Map(results.map((result) => [result.operationId, result]))
  return {
    outcomes: note.operations.map(([deliveryId, intent], index) => {
      const result = answered.get(String(index))
      const outcome: Outcome =
        result === undefined
          ? { kind: 'deferred', reason: 'unavailable.result-missing' }
          : outcomeOf(intent as Intent, result.status, jsonOf(result.response))
      return { deliveryId: deliveryId as DeliveryId, outcome }
    }),
  }
}

const readNote = z.object({
  intent: z.enum(['opt-out', 'topics', 'opt-in', 'opt-in-pending', 'erase']),
  interests: z.record(z.string(), z.boolean()),
})
const member = z.object({ status: z.string(), interests: z.record(z.string(), z.boolean()).optional() })

function interpretRead(request: HttpRequest, answer: HttpAnswer): Interpretation {
  const note = readNote.safeParse(request.note).data
  const observed = (holds: 'wanted' | 'other' | 'unreadable'): Interpretation => ({
    outcomes: [],
    observed: request.covers.map((deliveryId) => ({ deliveryId, holds })),
  })
  if (note === undefined) return observed('unreadable')
  // not in this audience: it gets no mail of this audience
  if (answer.status === 404) return observed(isOptIn(note.intent) ? 'unreadable' : 'wanted')
  const held = answer.status === 200 ? member.safeParse(jsonOf(answer.body.toString('utf8'))).data : undefined
  if (held === undefined) return observed('unreadable')
  const interestsHold = Object.entries(note.interests).every(([interest, wanted]) => (held.interests?.[interest] ?? false) === wanted)
  switch (note.intent) {
    case 'opt-out':
      return observed(quiet.has(held.status) && interestsHold ? 'wanted' : 'other')
    case 'topics':
      return observed(interestsHold ? 'wanted' : 'other')
    case 'erase':
      return observed('other')
    case 'opt-in':
    case 'opt-in-pending':
      // a person who left again by the vendor's own link must not be subscribed once more by a repair
      return observed(held.status === 'subscribed' ? 'wanted' : 'unreadable')
    default:
      return note.intent satisfies never
  }
}

const isOptIn = (intent: Intent): boolean => intent === 'opt-in' || intent === 'opt-in-pending'
