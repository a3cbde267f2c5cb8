import { type DeliveryId, type Outcome, type ReasonCode, recipientStage } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import type { Logger } from '@heed/platform/log'
import type { Account } from '../account/account.ts'
import { combineOutcomes } from '../combine.ts'
import type { Connector, Descriptor, Interpretation, Job, NoAnswer, PlannedRequest, Transport } from '../contract.ts'

/** What one request of a plan came to, with all the steps that followed it. */
export type RequestResult =
  /** It never left: the account was shut or spent, or the worker stops. */
  | { readonly kind: 'unsent'; readonly request: PlannedRequest }
  | { readonly kind: 'none'; readonly request: PlannedRequest; readonly answer: NoAnswer; readonly durationMs: number }
  | {
      readonly kind: 'read'
      readonly request: PlannedRequest
      /** One outcome for each delivery covered that the answers spoke of. */
      readonly outcomes: ReadonlyMap<DeliveryId, Outcome>
      readonly job: Job | undefined
      readonly observed: NonNullable<Interpretation['observed']>
      readonly needsFull: boolean
      /** The last answer was about the account only: it says nothing about what was asked. */
      readonly troubled?: true
      readonly durationMs: number
    }

/** What is needed to send requests of one recipient. */
export interface Sender<Settings> {
  readonly connector: Connector<Settings>
  readonly settings: Settings
  readonly descriptor: Descriptor
  readonly account: Account
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  /** Called for each answer or missing answer, for the figures. */
  measured(request: PlannedRequest, result: string, durationMs: number): void
  /** The recipient wants nothing any more: it is to be paused. */
  halted(reason: ReasonCode): void
  /** Runs when an answer is there and nothing of it is stored yet. */
  answered(): void | Promise<void>
}

const maxSteps = 20
const tracePattern = /^[A-Za-z0-9._:-]{1,100}$/
const reasonPattern = /^(?:unavailable|auth|configuration|item|batch|not-applicable)\.[a-z0-9-]{1,60}$/

/** The outcome as it may be recorded: a reason code is one, and a vendor that never confirms has not confirmed. */
function soberOutcome(outcome: Outcome, descriptor: Descriptor): Outcome | undefined {
  switch (outcome.kind) {
    case 'confirmed':
      return descriptor.confirmation === 'never' ? { kind: 'accepted', final: true } : outcome
    case 'accepted': {
      const { final, receipt } = outcome
      const shown = receipt === undefined || receipt === '' || receipt.includes('@') ? undefined : receipt.slice(0, 128)
      return { kind: 'accepted', final, ...(shown === undefined ? {} : { receipt: shown }) }
    }
    case 'deferred':
    case 'rejected':
    case 'notApplicable': {
      const reason: ReasonCode = reasonPattern.test(outcome.reason) ? outcome.reason : 'unavailable.unnamed'
      if (outcome.kind !== 'deferred') return { kind: outcome.kind, reason }
      const { retryAfterSeconds } = outcome
      const seconds = retryAfterSeconds !== undefined && Number.isFinite(retryAfterSeconds) ? Math.max(0, retryAfterSeconds) : undefined
      return { kind: 'deferred', reason, ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }) }
    }
    case 'verified':
    case 'superseded':
    case 'resolved':
      // only the kit says these
      return undefined
    default:
      return outcome satisfies never
  }
}

/** Whether all that an answer said is that the recipient as a whole does not work; with the reason that weighs most and the longest wait. */
function troubleOf(outcomes: Iterable<Outcome>): { reason: ReasonCode; retryAfterSeconds: number | undefined } | undefined {
  let trouble: { reason: ReasonCode; retryAfterSeconds: number | undefined } | undefined
  for (const outcome of outcomes) {
    if ((outcome.kind !== 'deferred' && outcome.kind !== 'rejected') || recipientStage(outcome.reason) !== 'recipient') return undefined
    const wait = outcome.kind === 'deferred' ? outcome.retryAfterSeconds : undefined
    const refusal = outcome.reason.startsWith('auth.') || outcome.reason.startsWith('configuration.')
    trouble = {
      reason: trouble === undefined || refusal ? outcome.reason : trouble.reason,
      retryAfterSeconds: wait === undefined ? trouble?.retryAfterSeconds : Math.max(wait, trouble?.retryAfterSeconds ?? 0),
    }
  }
  return trouble
}

function interpretSafely<Settings>(
  sender: Sender<Settings>,
  request: PlannedRequest,
  answer: Parameters<Connector<Settings>['interpret']>[1],
): Interpretation {
  try {
    return sender.connector.interpret(request, answer, sender.settings)
  } catch (thrown) {
    sender.log.error({ request: request.name, error: asError(thrown) }, 'connector.interpret-failed')
    // one item's answer may have done it: the split finds it, and the others go on
    return {
      outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome: { kind: 'deferred', reason: 'batch.interpretation-failed' } })),
    }
  }
}

async function sendOnce<Settings>(
  sender: Sender<Settings>,
  request: PlannedRequest,
  abort: AbortSignal,
): Promise<{ answer: Awaited<ReturnType<Transport['send']>>; durationMs: number } | undefined> {
  const { account, transport, descriptor, clock, log } = sender
  return account.request(async () => {
    if (abort.aborted) return undefined
    const startedAt = clock.now()
    const answer = await transport.send(request, { timeoutMs: descriptor.timeoutMs, signal: abort }).catch((thrown: unknown): NoAnswer => {
      log.error({ request: request.name, error: asError(thrown) }, 'transport.failed')
      return { via: 'none', sent: true, reason: 'unavailable.transport-failed' }
    })
    const durationMs = clock.now() - startedAt
    const result = answer.via === 'http' ? `${Math.floor(answer.status / 100)}xx` : answer.via === 'file' ? 'done' : 'none'
    sender.measured(request, result, durationMs)
    if (answer.via === 'none' && answer.reason !== 'unavailable.stopped') account.gate.failed(answer.reason)
    return { answer, durationMs }
  })
}

/** Sends a request and the steps that follow it, tells the account's gate how it went, and reads the answers. Never throws for anything that a vendor does. */
export async function execute<Settings>(sender: Sender<Settings>, request: PlannedRequest, abort: AbortSignal): Promise<RequestResult> {
  const { account, descriptor, log } = sender
  const covered = new Set(request.covers)
  const said: { deliveryId: DeliveryId; outcome: Outcome }[] = []
  const observed: NonNullable<Interpretation['observed']>[number][] = []
  let job: Job | undefined
  let needsFull = false
  let troubled = false
  let durationMs = 0
  let step: PlannedRequest | undefined = request

  for (let steps = 0; step !== undefined && steps < maxSteps; steps += 1) {
    const sent = await sendOnce(sender, step, abort)
    if (sent === undefined) {
      if (steps === 0) return { kind: 'unsent', request }
      break
    }
    durationMs += sent.durationMs
    if (sent.answer.via === 'none') {
      if (steps === 0) return { kind: 'none', request, answer: sent.answer, durationMs }
      break
    }
    const current: PlannedRequest = step
    const interpretation: Interpretation = interpretSafely(sender, current, sent.answer)
    const outcomes = interpretation.outcomes.flatMap(({ deliveryId, outcome }) => {
      const sober = soberOutcome(outcome, descriptor)
      if (sober !== undefined && covered.has(deliveryId)) return [{ deliveryId, outcome: sober }]
      log.warn({ request: current.name, outcome: outcome.kind, covered: covered.has(deliveryId) }, 'connector.outcome-ignored')
      return []
    })
    const trouble =
      interpretation.trouble ?? (interpretation.job === undefined ? troubleOf(outcomes.map(({ outcome }) => outcome)) : undefined)
    const saidNothing =
      outcomes.length === 0 &&
      interpretation.job === undefined &&
      interpretation.next === undefined &&
      interpretation.observed === undefined
    if (trouble !== undefined) account.gate.failed(trouble.reason, trouble.retryAfterSeconds)
    else if (saidNothing && covered.size > 0) account.gate.failed('unavailable.incomplete-answer')
    else account.gate.succeeded()
    if (interpretation.trace !== undefined && tracePattern.test(interpretation.trace))
      log.info({ request: current.name, trace: interpretation.trace }, 'vendor.answered')
    if (interpretation.halt !== undefined) sender.halted(interpretation.halt)
    if (interpretation.slowDownSeconds !== undefined) account.gate.slowDown(interpretation.slowDownSeconds)
    said.push(...outcomes)
    observed.push(...(interpretation.observed ?? []))
    job = interpretation.job ?? job
    needsFull = needsFull || interpretation.needsFull === true
    troubled = interpretation.trouble !== undefined
    step = interpretation.next
  }
  await sender.answered()
  return { kind: 'read', request, outcomes: combineOutcomes(said), job, observed, needsFull, durationMs, ...(troubled ? { troubled } : {}) }
}

/** Sends the requests of a plan, side by side or one after the other; the first that fails of the latter leaves the rest unsent. */
export async function executeAll<Settings>(
  sender: Sender<Settings>,
  requests: readonly PlannedRequest[],
  options: { readonly abort: AbortSignal; readonly inOrder: boolean; onResult(result: RequestResult): void },
): Promise<RequestResult[]> {
  const { abort, inOrder, onResult } = options
  const run = async (request: PlannedRequest) => {
    const result = await execute(sender, request, abort)
    onResult(result)
    return result
  }
  if (!inOrder) return Promise.all(requests.map(run))
  const results: RequestResult[] = []
  let failed = false
  for (const request of requests) {
    const result: RequestResult = failed ? { kind: 'unsent', request } : await run(request)
    if (failed) onResult(result)
    results.push(result)
    failed ||= result.kind !== 'read' || (result.outcomes.size > 0 && troubleOf(result.outcomes.values()) !== undefined)
  }
  return results
}
