import { recipientsToldAnew } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { loop, type Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import { applicationId, type NamedPolicy } from './policy-changes.ts'
import type { PolicyStore } from './policy-store.ts'

const lookEveryMs = 30_000

/**
 * Keeps the policy in force, and says so while what it makes due has not been begun: a line in the log at the start and a figure. A policy by which nobody has to
 * be told anything counts as applied at once.
 */
export function policyWatch(options: {
  readonly served: NamedPolicy
  readonly policies: PolicyStore
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}): Part {
  const { served, policies, clock, log, metrics } = options
  const waiting = metrics.gauge({
    name: 'heed_policy_recipients_waiting',
    help: 'Recipients that a new policy makes due and that nobody has asked to be told yet',
    labels: [],
  })
  const look = async (): Promise<readonly string[]> => {
    const before = await policies.applied()
    if (before === undefined || before.sha256 === served.sha256) {
      waiting.set({}, 0)
      return []
    }
    const concerned = recipientsToldAnew(before.policy, served.policy)
    waiting.set({}, concerned.length)
    if (concerned.length === 0) {
      await policies.apply(served.sha256, applicationId(before, served))
      log.info({ policyVersion: served.policy.version, before: before.policy.version }, 'policy.nothing-due')
    }
    return concerned
  }
  return {
    name: 'policy',
    start: async () => {
      await policies.keep(served.sha256, served.policy)
      const recipients = await look()
      if (recipients.length > 0) log.warn({ policyVersion: served.policy.version, recipients }, 'policy.not-applied')
      return loop({
        name: 'policy',
        everyMs: lookEveryMs,
        log,
        clock,
        run: async () => {
          await look()
          return 'idle'
        },
      })
    },
  }
}
