import { createHash } from 'node:crypto'
import {
  bearerAuthentication,
  type HttpAnswer,
  type HttpRequest,
  httpTransport,
  type Interpretation,
  membershipOf,
  type NothingToSend,
  type PlannedRequest,
  type Task,
} from '@heed/connector-kit'
import { z } from 'zod'
import { type Driver, nothingToSend } from './driver.ts'
import { deferred, forAll, jsonOf, troubleOf } from './partner-answers.ts'
import type { LiveIntentSettings } from './settings.ts'

const taken = z.object({ transactionId: z.string().min(1) })
const followable = /^[\w-]{1,100}$/
const looked = z.object({ status: z.string() })
/** What is kept of a transaction: its id, and how often it was looked at. */
const lookNote = z.object({ id: z.string(), looks: z.number().int().nonnegative() })

const hashForms: ReadonlySet<string> = new Set(['legacy-md5-hex', 'legacy-sha1-hex', 'plain-sha256-hex'])

/**
 * LiveIntent's Privacy Management API: one request for each person, with every hash of every address of hers. Nothing tells a repeat apart from a new request, but
 * both ask for the same state. https://privacy.liadm.com/api-guide
 */
export function liveIntentDriver(settings: LiveIntentSettings): Driver {
  const { baseUrl, credential, scope, jurisdiction, submitter, requestsPerMinute, concurrentRequests } = settings
  const scopeJson = scope.id === undefined ? { [scope.kind]: {} } : { [scope.kind]: { id: scope.id } }

  const submit = ({ deliveryId, kind }: Task, emailHashes: readonly string[]): HttpRequest => ({
    via: 'http',
    intent: 'assert',
    name: 'request.submit',
    method: 'POST',
    path: '/data-subject-requests',
    covers: [deliveryId],
    body: {
      json: {
        action: kind === 'erasure' ? 'ERASURE' : 'RESTRICT',
        scope: scopeJson,
        jurisdiction,
        emailHashes,
        // the same for a repeat, so that the partner's people can tell it apart; it leads back to nobody
        submitter: `${submitter}.${createHash('sha256').update(deliveryId).digest('hex').slice(0, 24)}`,
      },
    },
  })

  return {
    descriptor: {
      name: 'hashed-email',
      docs: 'https://privacy.liadm.com/api-guide',
      identifiers: ['email'],
      batch: { maxTasks: 50 },
      rate: { concurrentRequests, requestsPerMinute },
      confirmation: 'by-job',
      erasure: true,
      timeoutMs: 30_000,
      quietAfterUnknownSeconds: 0,
      // the looks end by themselves, long before this
      jobs: { maxPollSeconds: 3_600, giveUpAfterSeconds: 15 * 86_400, newerMayOvertake: true },
    },
    account: `liveintent:${baseUrl}:${credential}`,
    connect: ({ credentials, descriptor }) =>
      httpTransport({ baseUrl, descriptor, authentication: bearerAuthentication(credentials, credential) }),

    plan: (tasks) =>
      tasks.map((task): PlannedRequest | NothingToSend => {
        const membership = membershipOf(task)
        switch (membership) {
          case 'unsaid':
            return nothingToSend(task.deliveryId, 'not-applicable.nothing-held-there')
          case 'in':
            return nothingToSend(task.deliveryId, 'not-applicable.no-opt-in')
          case 'out': {
            const hashes = task.identifiers.filter(({ kind, form }) => kind === 'email' && hashForms.has(form)).map(({ value }) => value)
            if (hashes.length === 0) return nothingToSend(task.deliveryId, 'not-applicable.no-identifier')
            return submit(task, [...new Set(hashes)].sort())
          }
          default:
            return membership satisfies never
        }
      }),

    interpret: (request, answer) => {
      if (answer.via !== 'http') return { outcomes: [] }
      return request.intent === 'follow' ? interpretLook(request, answer, settings) : interpretSubmission(request, answer, settings)
    },

    follow: (job, covers) => ({
      via: 'http',
      intent: 'follow',
      name: 'request.read',
      method: 'GET',
      path: `/data-subject-requests/${encodeURIComponent(job.id)}`,
      covers,
      note: job.note,
    }),
  }
}

function interpretSubmission(request: PlannedRequest, answer: HttpAnswer, { looks, pollSeconds }: LiveIntentSettings): Interpretation {
  if (answer.status === 202) {
    const id = taken.safeParse(jsonOf(answer.body)).data?.transactionId
    if (id === undefined) return forAll(request, deferred('unavailable.unreadable-answer'))
    if (looks === 0 || !followable.test(id)) return forAll(request, { kind: 'accepted', final: true, receipt: id })
    return { outcomes: [], job: { id, pollAfterSeconds: pollSeconds, note: { id, looks: 0 } } }
  }
  const trouble = troubleOf(answer)
  if (trouble !== undefined) return forAll(request, { kind: 'deferred', ...trouble })
  // our account may not speak for this scope, whoever the person is
  if (answer.status === 404) return forAll(request, deferred('configuration.scope-not-allowed'))
  if (answer.status === 400 || answer.status === 422) return forAll(request, { kind: 'rejected', reason: 'item.refused-by-partner' })
  return forAll(request, deferred('configuration.unexpected-answer'))
}

function interpretLook(request: PlannedRequest, answer: HttpAnswer, settings: LiveIntentSettings): Interpretation {
  const note = lookNote.safeParse(request.note).data
  if (note === undefined) return { outcomes: [] }
  const { id } = note
  const again = { id, pollAfterSeconds: settings.pollSeconds, note: { id, looks: note.looks + 1 } }
  const trouble = troubleOf(answer)
  if (trouble !== undefined) return { outcomes: [], job: { ...again, note }, trouble }
  const status = answer.status === 200 ? looked.safeParse(jsonOf(answer.body)).data?.status : undefined
  if (status !== undefined && settings.doneStatuses.includes(status)) return forAll(request, { kind: 'confirmed' })
  if (status !== undefined && settings.failedStatuses.includes(status))
    return forAll(request, { kind: 'rejected', reason: 'item.failed-at-partner' })
  // what was taken stays taken, whether or not the partner shows what became of it
  if (answer.status === 404 || note.looks + 1 >= settings.looks) return forAll(request, { kind: 'accepted', final: true, receipt: id })
  return { outcomes: [], job: again }
}
