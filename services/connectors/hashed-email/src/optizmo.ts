import {
  bearerAuthentication,
  type HttpAnswer,
  type HttpRequest,
  headerAuthentication,
  httpTransport,
  type Interpretation,
  membershipOf,
  type NothingToSend,
  type Task,
  watchAnswers,
} from '@heed/connector-kit'
import { z } from 'zod'
import { type Driver, nothingToSend } from './driver.ts'
import { deferred, forAll, jsonOf, retryAfterOf, troubleOf } from './partner-answers.ts'
import type { OptizmoSettings } from './settings.ts'

const referencePattern = /^[\w-]{1,100}$/
const prepared = z.object({ uploadUrl: z.string().regex(/^https?:\/\//), importReference: z.string().regex(referencePattern) })
const count = z.number().int().nonnegative().optional().catch(undefined)
const progress = z.object({ status: z.string(), submittedCount: count, malformedCount: count })
/** What is kept of an upload: the partner's reference, and how many lines it has. */
const uploadNote = z.object({ reference: z.string().optional(), lines: z.number().int().nonnegative() })

/** How long the partner is left alone where it says that nothing is left and not until when. */
const idleSeconds = 60

/** The lines of a person, or undefined where nothing is to be told. */
function linesOf(task: Task, form: 'raw' | 'legacy-md5-hex'): string[] {
  return task.identifiers.filter((one) => one.kind === 'email' && one.form === form).map(({ value }) => value.trim())
}

/**
 * OPTIZMO's opt-out lists: a place to upload to is asked for, a file of lines is put there, and how far its import is can be asked. A list holds each line once, so
 * a repeated upload changes nothing; what is on it cannot be taken off by this interface. https://docs.optizmo.com/suppress
 */
export function optizmoDriver(settings: OptizmoSettings): Driver {
  const { baseUrl, credential, keyHeader, listId, requestsPerMinute, concurrentRequests } = settings
  const form = settings.lines === 'md5' ? 'legacy-md5-hex' : 'raw'

  return {
    descriptor: {
      name: 'hashed-email',
      docs: 'https://docs.optizmo.com/suppress/operations/prepareoptoutlistupload/',
      identifiers: ['email'],
      batch: { maxTasks: settings.maxLines, ...(settings.collectSeconds === 0 ? {} : { collectSeconds: settings.collectSeconds }) },
      rate: { concurrentRequests, requestsPerMinute },
      confirmation: 'by-job',
      timeoutMs: 120_000,
      quietAfterUnknownSeconds: 0,
      jobs: { maxPollSeconds: 3_600, giveUpAfterSeconds: settings.followHours * 3_600, newerMayOvertake: true },
    },
    account: `optizmo:${baseUrl}:${credential}`,
    connect: ({ credentials, descriptor, clock }) =>
      watchAnswers(
        httpTransport({
          baseUrl,
          descriptor,
          authentication:
            keyHeader === 'authorization'
              ? bearerAuthentication(credentials, credential)
              : headerAuthentication(credentials, keyHeader, credential),
        }),
        (answer) => withRetryAfter(answer, clock.now()),
      ),

    plan(tasks) {
      const nothing: NothingToSend[] = []
      const told: { readonly task: Task; readonly lines: readonly string[] }[] = []
      for (const task of tasks) {
        const membership = membershipOf(task)
        const lines = linesOf(task, form)
        if (membership === 'in') nothing.push(nothingToSend(task.deliveryId, 'not-applicable.no-opt-in'))
        else if (membership === 'unsaid') nothing.push(nothingToSend(task.deliveryId, 'not-applicable.nothing-held-there'))
        else if (lines.length === 0) nothing.push(nothingToSend(task.deliveryId, 'not-applicable.no-identifier'))
        else told.push({ task, lines })
      }
      if (told.length === 0) return nothing
      // sorted, so that the order tells nothing
      const lines = [...new Set(told.flatMap((one) => one.lines))].sort()
      const file = `${lines.join('\n')}\n`
      const prepare: HttpRequest = {
        via: 'http',
        intent: 'assert',
        name: 'upload.prepare',
        method: 'POST',
        path: '/optout-list/prepare-upload',
        covers: told.map(({ task }) => task.deliveryId),
        body: { json: { optoutListId: listId, fileContentLength: Buffer.byteLength(file) } },
        carried: file,
        note: { lines: lines.length },
      }
      return [...nothing, prepare]
    },

    interpret: (request, answer) => {
      const note = uploadNote.safeParse(request.note).data
      if (request.via !== 'http' || answer.via !== 'http' || note === undefined) return { outcomes: [] }
      const spent = spentSeconds(answer)
      const read = { 'upload.prepare': interpretPreparation, 'upload.put': interpretUpload, 'upload.status': interpretProgress }[
        request.name
      ]
      const interpretation = read?.(request, answer, note, settings) ?? { outcomes: [] }
      return spent === undefined ? interpretation : { ...interpretation, slowDownSeconds: spent }
    },

    follow: (job, covers) => ({
      via: 'http',
      intent: 'follow',
      name: 'upload.status',
      method: 'GET',
      path: `/optout-list/upload-status/${encodeURIComponent(job.id)}`,
      covers,
      note: job.note,
    }),
  }
}

/** `x-rate-limit-reset` as `retry-after`: seconds from now, or a moment of the wall clock where the figure is too large for that; the page does not say which. */
export function withRetryAfter(answer: HttpAnswer, now: number): HttpAnswer {
  const reset = Number(answer.headers['x-rate-limit-reset'])
  if (!Number.isFinite(reset) || reset <= 0 || answer.headers['retry-after'] !== undefined) return answer
  const milliseconds = reset > 1e11
  const seconds = reset > 1e9 ? (milliseconds ? reset - now : reset * 1000 - now) / 1000 : reset
  const wait = Math.min(3_600, Math.max(1, Math.ceil(seconds)))
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(wait) } }
}

function spentSeconds(answer: HttpAnswer): number | undefined {
  return answer.headers['x-rate-limit-remaining'] === '0' ? (retryAfterOf(answer) ?? idleSeconds) : undefined
}

type Note = z.output<typeof uploadNote>

function interpretPreparation(request: HttpRequest, answer: HttpAnswer, { lines }: Note, settings: OptizmoSettings): Interpretation {
  if (answer.status === 200 || answer.status === 201) {
    const place = prepared.safeParse(jsonOf(answer.body)).data
    if (place === undefined || request.carried === undefined) return forAll(request, deferred('unavailable.unreadable-answer'))
    return {
      outcomes: [],
      next: {
        via: 'http',
        intent: 'assert',
        name: 'upload.put',
        method: 'PUT',
        path: place.uploadUrl,
        authenticated: false,
        covers: request.covers,
        body: { text: request.carried, type: settings.uploadType },
        note: { reference: place.importReference, lines },
      },
    }
  }
  const trouble = troubleOf(answer)
  if (trouble !== undefined) return forAll(request, { kind: 'deferred', ...trouble })
  // nothing of anybody stands in this request: what is wrong is the list, or how it is asked for
  return forAll(request, deferred(answer.status === 404 ? 'configuration.list-not-found' : 'configuration.request-refused'))
}

function interpretUpload(request: HttpRequest, answer: HttpAnswer, note: Note, settings: OptizmoSettings): Interpretation {
  const { reference } = note
  if (answer.status >= 200 && answer.status < 300 && reference !== undefined)
    return { outcomes: [], job: { id: reference, pollAfterSeconds: settings.pollSeconds, note } }
  // the address has ended, or refuses what was put: a new one is asked for
  const reason = answer.status >= 500 ? 'unavailable.server-error' : 'unavailable.upload-refused'
  return forAll(request, deferred(reason, retryAfterOf(answer)))
}

function interpretProgress(request: HttpRequest, answer: HttpAnswer, note: Note, settings: OptizmoSettings): Interpretation {
  const { reference = '', lines } = note
  const job = { id: reference, pollAfterSeconds: settings.pollSeconds, note }
  const trouble = troubleOf(answer)
  if (trouble !== undefined) return { outcomes: [], job, trouble }
  if (answer.status === 404) return forAll(request, deferred('unavailable.import-unknown'))
  const seen = answer.status === 200 ? progress.safeParse(jsonOf(answer.body)).data : undefined
  switch (seen?.status) {
    case 'running':
      return { outcomes: [], job }
    case 'success': {
      const { submittedCount, malformedCount } = seen
      // a line was thrown away, and which is not said: halves of the file tell
      if (malformedCount !== undefined && malformedCount > 0) return forAll(request, deferred('batch.malformed-lines'))
      if (submittedCount !== undefined && submittedCount !== lines) return forAll(request, deferred('unavailable.counts-differ'))
      // without a count nobody knows that every line was taken
      return forAll(request, malformedCount === 0 ? { kind: 'confirmed' } : { kind: 'accepted', final: true, receipt: reference })
    }
    case 'failed':
      return forAll(request, deferred((seen.malformedCount ?? 0) > 0 ? 'batch.malformed-lines' : 'unavailable.import-failed'))
    case 'removed':
      return forAll(request, deferred('unavailable.import-removed'))
    default:
      return { outcomes: [], job, trouble: { reason: 'unavailable.unreadable-answer' } }
  }
}
