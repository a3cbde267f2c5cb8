import type { ReasonCode, WaitReason } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { Logger } from '@heed/platform/log'
import { ConsecutiveBreaker } from 'cockatiel'
import type { Descriptor } from '../contract.ts'
import { backoffMs, recheckMs } from './backoff.ts'

/** Why an account is not asked at the moment, and until when. */
export interface Blocked {
  readonly reason: WaitReason
  readonly until: number
  /** The vendor's last word. */
  readonly cause: ReasonCode
}

/** Stands before a vendor account: lets requests through while it works, one at a time while it is tried, none while it is left alone. */
export interface Gate {
  /** Why nothing may be sent now, or undefined where something may. */
  blocked(): Blocked | undefined
  /** Why what was sent last did not go through, while that is so: also between two tries. */
  readonly trouble: WaitReason | undefined
  /** True where one request is to be tried alone. */
  readonly probing: boolean
  /** A request did something. */
  succeeded(): void
  /** A request failed for a reason that is the recipient's as a whole. */
  failed(reason: ReasonCode, retryAfterSeconds?: number): void
  /** The vendor asks to go slower, without having refused anything. */
  slowDown(seconds: number): void
  /** Somebody says that it is mended: the next request may go at once. */
  reset(): void
}

/** So many failures in a row open the breaker. */
export const breakerThreshold = 5

const isRate = (reason: ReasonCode) => /rate|quota|throttl|too-many/.test(reason)
const isRefusal = (reason: ReasonCode) => reason.startsWith('auth.') || reason.startsWith('configuration.')

/**
 * A gate that counts failures in a row. Refused credentials and a wrong set-up shut it at once; a rate limit for as long as the vendor says; other failures when
 * there are five in a row. One line in the log tells that it shut, one that it opened again.
 */
export function createGate(options: {
  readonly account: string
  readonly descriptor: Descriptor
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
  /** Called when the account works again after trouble. */
  onRecovered(): void
}): Gate {
  const { account, descriptor, clock, log, random, onRecovered } = options
  let breaker = new ConsecutiveBreaker(breakerThreshold)
  let failures = 0
  /** How often it was shut since it last worked: failures side by side are one. */
  let rounds = 0
  let block: Blocked | undefined
  let alarmed = false
  let openedAt = 0

  const shut = (reason: WaitReason, cause: ReasonCode, waitMs: number) => {
    const now = clock.now()
    block = { reason, cause, until: Math.max(now + waitMs, block !== undefined && block.until > now ? block.until : 0) }
    if (alarmed || reason === 'rate_limited') return
    alarmed = true
    openedAt = now
    log.error({ account, waitReason: reason, reason: cause, failures, nextTryAt: block.until }, 'recipient.blocked')
  }

  const clear = () => {
    const wasTroubled = block !== undefined
    const wasAlarmed = alarmed
    breaker = new ConsecutiveBreaker(breakerThreshold)
    failures = 0
    rounds = 0
    block = undefined
    alarmed = false
    if (wasAlarmed) log.info({ account, durationMs: clock.now() - openedAt }, 'recipient.recovered')
    if (wasTroubled) onRecovered()
  }

  /** How long to leave the account alone now. A vendor's own schedule counts how often that was done, not how many requests were under way together. */
  const nextWaitMs = () => {
    if (block === undefined || block.until <= clock.now()) rounds += 1
    return backoffMs(descriptor, descriptor.retry === undefined ? failures : rounds, random())
  }

  return {
    blocked: () => (block !== undefined && block.until > clock.now() ? block : undefined),
    get trouble() {
      return block?.reason
    },
    get probing() {
      return block !== undefined && block.reason !== 'rate_limited' && block.until <= clock.now()
    },
    succeeded: () => {
      breaker.success()
      // A rate limit that is over is no trouble that ended; one that is not over yet stays.
      if (block?.reason === 'rate_limited') {
        failures = 0
        rounds = 0
        if (block.until <= clock.now()) block = undefined
      } else clear()
    },
    failed: (reason, retryAfterSeconds) => {
      failures += 1
      const asked = retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000
      if (isRefusal(reason)) return shut('auth_failed', reason, asked ?? recheckMs(failures))
      if (isRate(reason)) return shut(block?.reason === 'breaker_open' ? 'breaker_open' : 'rate_limited', reason, asked ?? nextWaitMs())
      const opens = breaker.failure() || alarmed
      if (opens) return shut('breaker_open', reason, Math.max(asked ?? 0, nextWaitMs()))
      if (asked !== undefined) shut('rate_limited', reason, asked)
    },
    slowDown: (seconds) => {
      if (seconds > 0) shut('rate_limited', 'unavailable.rate-limited', seconds * 1000)
    },
    reset: clear,
  }
}
