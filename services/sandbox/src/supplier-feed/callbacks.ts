import { randomUUID } from 'node:crypto'
import type { Kept } from '../frame/kept.ts'
import type { Store } from '../frame/store.ts'
import type { Stage } from '../frame/vendor.ts'
import { signedHeaders } from './signatures.ts'

export type CallStatus = 'pending' | 'in_progress' | 'completed' | 'cancelled' | 'failed'

/** A call that a partner owes, or made. */
export interface CallRecord {
  readonly partner: string
  readonly requestId: string
  readonly status: CallStatus
  /** The message's id: the same for all tries. */
  readonly id: string
  /** What was answered to each try; 0 where nobody answered. */
  readonly answers: readonly number[]
  /** Nothing more will be tried. */
  readonly over: boolean
}

/** How one call differs from a proper one. */
export interface Mischief {
  /** Signed by a key that is not the partner's. */
  readonly forged?: boolean | undefined
  /** The body is changed after it was signed. */
  readonly tampered?: boolean | undefined
  /** How old the signature claims to be. */
  readonly agedSeconds?: number | undefined
}

/** A partner as far as its calls go. */
export interface Caller {
  readonly name: string
  readonly callbackKey: string
  /** Where it calls; registered with it beforehand, never taken from a message. */
  callbackUrl(): string | undefined
}

/** The calls of all partners. */
export interface Callbacks extends Kept {
  /** Calls after the delay, on the sandbox's clock, and again where that fails. */
  schedule(partner: string, requestId: string, status: CallStatus, delayMs: number): void
  /** Calls now, once, and resolves with the status of the answer; 0 where there is none. */
  call(partner: string, requestId: string, status: CallStatus, mischief?: Mischief): Promise<number>
  /** Holds every call back until they are released. */
  hold(): void
  release(): void
  records(): CallRecord[]
  clear(): void
}

const RETRY_MS = [200, 1_000, 5_000, 30_000, 300_000, 3_600_000]
const CALL_TIMEOUT_MS = 5_000
const FORGED_KEY = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

interface Owed {
  readonly partner: string
  readonly requestId: string
  readonly status: CallStatus
  readonly id: string
  answers: number[]
  over: boolean
}

/** The calls, on the stage's clock. */
export function createCallbacks(stage: Stage, callers: ReadonlyMap<string, Caller>, store: () => Store): Callbacks {
  const owed = new Map<string, Owed>()
  const timers = new Set<() => void>()
  let held = false
  let waiting: Owed[] = []

  const keep = (one: Owed): void => store().put('call', one.id, { ...one })

  const send = async (one: Pick<Owed, 'partner' | 'requestId' | 'status' | 'id'>, mischief: Mischief = {}): Promise<number> => {
    const caller = callers.get(one.partner)
    const url = caller?.callbackUrl()
    if (caller === undefined || url === undefined) return 0
    const body = JSON.stringify({
      request_id: one.requestId,
      request_status: one.status,
      results_count: one.status === 'completed' ? 1 : 0,
    })
    // whoever is called compares with its own clock: real time
    const seconds = Math.floor(Date.now() / 1000) - (mischief.agedSeconds ?? 0)
    const headers = signedHeaders(mischief.forged === true ? FORGED_KEY : caller.callbackKey, one.id, seconds, body)
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: mischief.tampered === true ? body.replace(one.status, 'completed ') : body,
        redirect: 'manual',
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      })
      await response.arrayBuffer()
      return response.status
    } catch {
      return 0
    }
  }

  const after = (delayMs: number, one: Owed): void => {
    const cancel = stage.clock.after(delayMs, async () => {
      timers.delete(cancel)
      await turn(one)
    })
    timers.add(cancel)
  }
  const turn = async (one: Owed): Promise<void> => {
    if (one.over) return
    if (held) {
      waiting.push(one)
      return
    }
    const answer = await send(one)
    one.answers.push(answer)
    const retryMs = RETRY_MS[one.answers.length - 1]
    // refused for good, or taken
    one.over = (answer >= 200 && answer < 300) || (answer >= 400 && answer < 500 && answer !== 429) || retryMs === undefined
    keep(one)
    if (!one.over && retryMs !== undefined) after(retryMs, one)
  }

  return {
    schedule(partner, requestId, status, delayMs) {
      const one: Owed = { partner, requestId, status, id: `cb_${randomUUID()}`, answers: [], over: false }
      owed.set(one.id, one)
      keep(one)
      after(delayMs, one)
    },
    call: (partner, requestId, status, mischief) => send({ partner, requestId, status, id: `cb_${randomUUID()}` }, mischief),
    hold() {
      held = true
    },
    release() {
      held = false
      const released = waiting
      waiting = []
      for (const one of released) after(0, one)
    },
    records: () => [...owed.values()].map(({ answers, ...one }) => ({ ...one, answers: [...answers] })),
    clear() {
      for (const cancel of timers) cancel()
      timers.clear()
      for (const id of owed.keys()) store().remove('call', id)
      owed.clear()
      waiting = []
      held = false
    },
    *facts() {
      for (const [id, one] of owed) yield ['call', id, { ...one }]
    },
    restore([kind, id, value]) {
      if (kind !== 'call') return false
      const one = value as Owed
      owed.set(id, one)
      if (!one.over) after(RETRY_MS[0] ?? 0, one)
      return true
    },
  }
}
