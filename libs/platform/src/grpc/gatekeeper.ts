import type { Metadata } from '@grpc/grpc-js'
import type { Clock } from '../clock/index.ts'
import { asError } from '../errors/index.ts'
import { hashKey, keyMatches, parseAuthorization } from './caller-key.ts'
import type { CallerStore, StoredCaller } from './caller-store.ts'
import { GrpcFault, status } from './faults.ts'
import { type ScopeRule, scopesSatisfy } from './scopes.ts'
import { TokenBucket } from './token-bucket.ts'

/** Who calls. */
export interface Caller {
  readonly id: string
  readonly scopes: readonly string[]
}

/** A method as the gatekeeper knows it: `allowed` remembers the answer per caller entry. */
export interface GuardedMethod {
  readonly path: string
  readonly scope: ScopeRule
}

export interface GatekeeperOptions {
  callers: CallerStore
  clock: Clock
  /** How long an answer of the store is used: a revoked key is refused after at most so long. 5 s unless told. */
  cacheMs?: number
  ratePerSecond?: number
  burst?: number
}

interface Entry {
  caller: StoredCaller | undefined
  bucket: TokenBucket
  allowed: Map<GuardedMethod, boolean>
  readAt: number
}

const maxEntries = 10_000
const unknownCaller = 'the key is not valid'

const unauthenticated = (reason: string, message: string) => new GrpcFault({ code: status.UNAUTHENTICATED, reason, message })

/** Says for each call who makes it and whether it may be made. Everything is refused that is not allowed. */
export class Gatekeeper {
  readonly #callers: CallerStore
  readonly #clock: Clock
  readonly #cacheMs: number
  readonly #ratePerSecond: number
  readonly #burst: number
  readonly #entries = new Map<string, Entry>()
  readonly #lookups = new Map<string, Promise<Entry>>()

  constructor(options: GatekeeperOptions) {
    this.#callers = options.callers
    this.#clock = options.clock
    this.#cacheMs = options.cacheMs ?? 5_000
    this.#ratePerSecond = options.ratePerSecond ?? 10_000
    this.#burst = options.burst ?? 2 * this.#ratePerSecond
  }

  /** The caller, or why the call is refused. Answers without a promise while the caller is remembered: that is nearly always. */
  admit(metadata: Metadata, method: GuardedMethod): Caller | GrpcFault | Promise<Caller | GrpcFault> {
    const parsed = parseAuthorization(metadata.get('authorization')[0])
    if (parsed === undefined) return unauthenticated('KEY_MISSING', 'the call carries no key: authorization: Bearer heed_…')
    const now = this.#clock.now()
    const entry = this.#entries.get(parsed.callerId)
    // A clock that was set back makes an entry old, not young.
    if (entry !== undefined && now - entry.readAt >= 0 && now - entry.readAt < this.#cacheMs)
      return this.#judge(entry, parsed.key, method, now)
    return this.#lookUp(parsed.callerId, entry).then(
      (fresh) => this.#judge(fresh, parsed.key, method, this.#clock.now()),
      (thrown: unknown) => GrpcFault.unavailable('CALLERS_UNAVAILABLE', 'callers cannot be checked now', 1, asError(thrown)),
    )
  }

  #judge(entry: Entry, key: string, method: GuardedMethod, now: number): Caller | GrpcFault {
    const { caller } = entry
    // Also where there is no such caller the hash is made: how long a refusal takes tells nothing.
    const hash = hashKey(key)
    let known = false
    for (const stored of caller?.keys ?? []) {
      if (keyMatches(hash, stored.hash) && (stored.validUntil === undefined || now < stored.validUntil)) known = true
    }
    if (caller === undefined || !known || caller.revokedAt !== undefined) return unauthenticated('KEY_INVALID', unknownCaller)
    let allowed = entry.allowed.get(method)
    if (allowed === undefined) {
      allowed = scopesSatisfy(caller.scopes, method.scope)
      entry.allowed.set(method, allowed)
    }
    if (!allowed) return missingScope(typeof method.scope === 'string' ? method.scope : method.scope.join(' or '))
    const waitSeconds = entry.bucket.take(now)
    if (waitSeconds > 0) {
      return new GrpcFault({
        code: status.RESOURCE_EXHAUSTED,
        reason: 'RATE_LIMITED',
        message: 'more calls than this caller may make',
        retryAfterSeconds: Math.ceil(waitSeconds * 1000) / 1000,
      })
    }
    return caller
  }

  #lookUp(callerId: string, before: Entry | undefined): Promise<Entry> {
    let lookup = this.#lookups.get(callerId)
    if (lookup === undefined) {
      lookup = this.#read(callerId, before).finally(() => this.#lookups.delete(callerId))
      this.#lookups.set(callerId, lookup)
    }
    return lookup
  }

  async #read(callerId: string, before: Entry | undefined): Promise<Entry> {
    const caller = await this.#callers.find(callerId)
    const now = this.#clock.now()
    const rate = caller?.ratePerSecond ?? this.#ratePerSecond
    const burst = caller?.burst ?? (caller?.ratePerSecond === undefined ? this.#burst : 2 * rate)
    const sameRate = before?.caller?.ratePerSecond === caller?.ratePerSecond && before?.caller?.burst === caller?.burst
    const entry: Entry = {
      caller,
      // Reading the caller again must not fill its bucket again.
      bucket: before !== undefined && sameRate ? before.bucket : new TokenBucket(rate, burst, now),
      allowed: new Map(),
      readAt: now,
    }
    // Made-up ids are remembered too, but cannot fill the memory.
    if (this.#entries.size >= maxEntries) this.#entries.clear()
    this.#entries.set(callerId, entry)
    return entry
  }
}

/** PERMISSION_DENIED that names what is missing. */
export function missingScope(scope: string): GrpcFault {
  return new GrpcFault({
    code: status.PERMISSION_DENIED,
    reason: 'SCOPE_MISSING',
    message: `the caller lacks the scope ${scope}`,
    metadata: { scope },
  })
}
