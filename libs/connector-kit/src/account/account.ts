import type { Clock } from '@heed/platform/clock'
import { type BulkheadPolicy, bulkhead } from 'cockatiel'
import type { Descriptor } from '../contract.ts'
import type { Gate } from './gate.ts'
import type { Limit } from './limits.ts'

/** A vendor account as all workers in this process share it. */
export interface Account {
  readonly id: string
  readonly gate: Gate
  /** When something may be begun at the earliest, ms since the epoch; now or the past = at once. */
  openAt(): number
  /** How many requests may begin now. */
  available(): number
  /** How long requests that could wait for more should lie apart, ms; 0 as long as the account's rate has plenty of room. */
  spacingMs(): number
  /**
   * Runs a request in one of the account's slots, or gives undefined without running it where the account is shut, spent or being tried by another request by
   * the time that a slot is free.
   */
  request<T>(run: () => Promise<T>): Promise<T | undefined>
}

// While one request tries whether a recipient works again, the others look so soon whether it does.
const probeWaitMs = 200

/** An account with its concurrency, its rate and its gate. */
export function createAccount(options: {
  id: string
  descriptor: Descriptor
  gate: Gate
  limit: Limit
  clock: Clock
  /** Whether this process still holds the account: one that was stopped for a while may have lost it without noticing. */
  isHeld(): boolean
}): Account {
  const { id, descriptor, gate, limit, clock, isHeld } = options
  const slots: BulkheadPolicy = bulkhead(descriptor.rate.concurrentRequests, Number.MAX_SAFE_INTEGER)
  let inFlight = 0
  // One after the other: two that are admitted at the same moment would both take the last place of a limit.
  let door: Promise<unknown> = Promise.resolve()
  const enter = (): Promise<boolean> => {
    const entered = door.then(async () => {
      if (!admits()) return false
      inFlight += 1
      try {
        await limit.take()
      } catch (thrown) {
        inFlight -= 1
        throw thrown
      }
      return true
    })
    door = entered.catch(() => undefined)
    return entered
  }
  const admits = () => isHeld() && gate.blocked() === undefined && !(gate.probing && inFlight > 0) && limit.nextAt() <= clock.now()

  return {
    id,
    gate,
    openAt: () => {
      const blocked = gate.blocked()
      if (!isHeld()) return clock.now() + probeWaitMs
      if (blocked !== undefined) return Math.max(blocked.until, limit.nextAt())
      return gate.probing && inFlight > 0 ? clock.now() + probeWaitMs : limit.nextAt()
    },
    available: () => (gate.probing ? 1 : limit.available()),
    spacingMs: () => limit.spacingMs(),
    request: (run) =>
      slots.execute(async () => {
        if (!(await enter())) return undefined
        try {
          return await run()
        } finally {
          inFlight -= 1
        }
      }),
  }
}
