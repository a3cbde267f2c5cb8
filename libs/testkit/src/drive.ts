import {
  type Connector,
  combineOutcomes,
  type Job,
  type NothingToSend,
  type PlannedRequest,
  referencedCredentials,
  type Task,
  type Transport,
} from '@heed/connector-kit'
import type { DeliveryId, Outcome, RecipientId } from '@heed/domain'
import { type Clock, systemClock } from '@heed/platform/clock'
import { type Logger, silentLogger } from '@heed/platform/log'

/** A connector at the wire: its own transport against a vendor that is played. */
export interface Driven {
  /** Plans, sends and follows until nothing goes on, and gives the outcome of each delivery. A missing answer is a deferral of that reason. */
  assert(tasks: readonly Task[]): Promise<ReadonlyMap<DeliveryId, Outcome>>
  /** Asserts once, and gives the jobs that are begun without following them. */
  begin(
    tasks: readonly Task[],
  ): Promise<{ outcomes: ReadonlyMap<DeliveryId, Outcome>; jobs: readonly { job: Job; covers: readonly DeliveryId[] }[] }>
  close(): Promise<void>
}

/**
 * Drives a connector without inbox, database and back-off, to hold its reading of a vendor's contract against another one. Jobs are polled without a pause of
 * more than 20 ms, a hundred times at the most.
 */
export function driven<Settings>(
  connector: Connector<Settings>,
  options: {
    readonly settings: Readonly<Record<string, unknown>>
    readonly env: Readonly<Record<string, string>>
    readonly recipientId: RecipientId
    readonly clock?: Clock
    readonly log?: Logger
  },
): Driven {
  const settings = connector.parseSettings(options.settings)
  const descriptor = typeof connector.descriptor === 'function' ? connector.descriptor(settings) : connector.descriptor
  const credentials = referencedCredentials(options.env)
  const { recipientId, clock = systemClock, log = silentLogger } = options
  const development = options.env.HEED_ENV === 'development' ? { development: true as const } : {}
  const tools = { recipientId, credentials, descriptor, clock, log, ...development }
  const transport: Transport | undefined = connector.connect?.(settings, tools)
  if (transport === undefined) throw new TypeError(`${descriptor.name} has no connect`)
  const limit = { timeoutMs: Math.min(descriptor.timeoutMs, 10_000), signal: new AbortController().signal }

  const run = async (planned: PlannedRequest | NothingToSend, said: { deliveryId: DeliveryId; outcome: Outcome }[]) => {
    if (planned.via === 'nothing') {
      said.push(...planned.covers.map((deliveryId) => ({ deliveryId, outcome: planned.outcome })))
      return undefined
    }
    let step: PlannedRequest | undefined = planned
    let begun: { job: Job; covers: readonly DeliveryId[] } | undefined
    while (step !== undefined) {
      const answer = await transport.send(step, limit)
      if (answer.via === 'none') {
        const outcome: Outcome = { kind: 'deferred', reason: answer.reason }
        said.push(...step.covers.map((deliveryId) => ({ deliveryId, outcome })))
        return undefined
      }
      const { outcomes, job, next } = connector.interpret(step, answer, settings)
      said.push(...outcomes.filter(({ outcome }) => job === undefined || outcome.kind !== 'accepted' || outcome.final))
      const spoken = new Set(
        outcomes.filter(({ outcome }) => outcome.kind !== 'accepted' || outcome.final).map(({ deliveryId }) => deliveryId),
      )
      if (job !== undefined) begun = { job, covers: step.covers.filter((id) => !spoken.has(id)) }
      step = next
    }
    return begun
  }

  const begin: Driven['begin'] = async (tasks) => {
    const said: { deliveryId: DeliveryId; outcome: Outcome }[] = []
    const jobs: { job: Job; covers: readonly DeliveryId[] }[] = []
    for (const planned of connector.plan(tasks, settings, { sequence: 0, openedAt: clock.now(), extent: 'delta' })) {
      const begun = await run(planned, said)
      if (begun !== undefined) jobs.push(begun)
    }
    return { outcomes: combineOutcomes(said), jobs }
  }

  return {
    begin,
    assert: async (tasks) => {
      const { outcomes, jobs } = await begin(tasks)
      const said = [...outcomes].map(([deliveryId, outcome]) => ({ deliveryId, outcome }))
      for (const started of jobs) {
        let { job, covers } = started
        for (let polls = 0; covers.length > 0; polls += 1) {
          if (polls >= 100) throw new Error(`${descriptor.name}: a job did not end`)
          if (polls > 0) await systemClock.sleep(20)
          const request = connector.follow?.(job, covers, settings)
          if (request === undefined) throw new TypeError(`${descriptor.name} has no follow`)
          const begun = await run(request, said)
          if (begun === undefined) break
          ;({ job, covers } = begun)
        }
      }
      return combineOutcomes(said)
    },
    close: () => transport.close(),
  }
}
