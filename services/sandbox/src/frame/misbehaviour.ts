import { z } from 'zod'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

/** Switches that every vendor understands; a vendor may add its own kinds. Each vendor's README says what it does at that vendor. */
export const commonKinds = ['down', 'rate-limited', 'revoked-key', 'slow', 'applied-then-timeout', 'poison'] as const

/** Switches that every vendor with an HTTP interface understands beside the common ones. */
export const httpKinds = ['forbidden-no-body', 'bad-gateway-html', 'server-error'] as const

/** The shape of a switch, as POSTed to `/_control/<vendor>/misbehave`. */
export function misbehaviourSchema<const Kinds extends readonly [string, ...string[]]>(kinds: Kinds) {
  return z.strictObject({
    /** What goes wrong. */
    kind: z.enum(kinds),
    /** How often; without it, until it is switched off. */
    count: z.int().positive().optional(),
    /** How likely each time; the chance comes from the sandbox's seed. */
    probability: z.number().gt(0).max(1).optional(),
    /** For how long, on the sandbox's clock. */
    durationSeconds: z.number().positive().optional(),
    /** How slow, or how late, in milliseconds. */
    ms: z.int().nonnegative().optional(),
    /** What `applied-then-timeout` does after applying: never answer, or reset the connection. */
    afterwards: z.enum(['hang', 'reset']).optional(),
    /** Sent as `Retry-After` with `rate-limited` by vendors that send one. */
    retryAfterSeconds: z.int().positive().optional(),
    /** Which requests, or which person, are meant; without it, all. */
    match: z
      .strictObject({
        method: z.string().optional(),
        /** A part of the path template. */
        path: z.string().optional(),
        /** A person by address, in any spelling. */
        address: z.string().optional(),
        /** A person by the hash that the vendor goes by. */
        hash: z.string().optional(),
      })
      .optional(),
  })
}

/** One switch: a kind of fault with its limits. */
export type Misbehaviour<Kind extends string = string> = Omit<z.infer<ReturnType<typeof misbehaviourSchema>>, 'kind'> & { kind: Kind }

/** What a fault may be matched with: a request, a person, or both. */
export interface Occasion {
  readonly method?: string | undefined
  readonly path?: string | undefined
  readonly address?: string | undefined
  readonly hash?: string | undefined
  /** Beside the vendor's own interface (its sign-in): only a switch that names the path fits. */
  readonly aside?: boolean
}

/** The switches of one vendor. */
export interface Switches<Kind extends string> {
  turnOn(misbehaviour: Misbehaviour<Kind>): void
  /** Switches everything off and lets go of every request that is being held. */
  turnOffAll(): void
  /** The first switch of this kind that fits the occasion, counted as used; `undefined` when none does. */
  take(kind: Kind, occasion: Occasion): Misbehaviour<Kind> | undefined
  /** Whether any switch of this kind is on, without using it up. */
  isOn(kind: Kind): boolean
  active(): readonly Misbehaviour<Kind>[]
  /** Called at each `turnOffAll`, until the returned function is called. */
  onTurnedOff(listener: () => void): () => void
}

interface Armed<Kind extends string> {
  readonly misbehaviour: Misbehaviour<Kind>
  left: number
  readonly until: number
}

/** All switches off. */
export function createSwitches<Kind extends string>(clock: Clock, random: Random): Switches<Kind> {
  let armed: Armed<Kind>[] = []
  const listeners = new Set<() => void>()

  const live = (): Armed<Kind>[] => {
    if (armed.length === 0) return armed
    const now = clock.now()
    armed = armed.filter((one) => one.left > 0 && one.until > now)
    return armed
  }

  return {
    turnOn(misbehaviour) {
      const { count, durationSeconds } = misbehaviour
      armed.push({
        misbehaviour,
        left: count ?? Number.POSITIVE_INFINITY,
        until: durationSeconds === undefined ? Number.POSITIVE_INFINITY : clock.now() + durationSeconds * 1000,
      })
    },
    turnOffAll() {
      armed = []
      for (const listener of [...listeners]) listener()
    },
    take(kind, occasion) {
      for (const one of live()) {
        const { misbehaviour } = one
        if (misbehaviour.kind !== kind || !fits(misbehaviour, occasion)) continue
        if (misbehaviour.probability !== undefined && random.next() >= misbehaviour.probability) continue
        one.left -= 1
        return misbehaviour
      }
      return undefined
    },
    isOn: (kind) => live().some((one) => one.misbehaviour.kind === kind),
    active: () => live().map(({ misbehaviour, left }) => (Number.isFinite(left) ? { ...misbehaviour, count: left } : misbehaviour)),
    onTurnedOff(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function fits({ match }: Misbehaviour, occasion: Occasion): boolean {
  if (occasion.aside === true && match?.path === undefined) return false
  if (match === undefined) return true
  if (match.method !== undefined && match.method.toUpperCase() !== occasion.method) return false
  if (match.path !== undefined && occasion.path?.includes(match.path) !== true) return false
  if (match.address !== undefined && match.address.trim().toLowerCase() !== occasion.address?.trim().toLowerCase()) return false
  return match.hash === undefined || match.hash === occasion.hash
}
