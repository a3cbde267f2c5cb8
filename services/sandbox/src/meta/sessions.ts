import { isRecord } from '../frame/json.ts'
import type { Fact, Store } from '../frame/store.ts'
import { badParameter, type GraphError } from './graph-errors.ts'

/** A logical change that spans several requests. */
export interface Session {
  readonly id: string
  readonly audienceId: string
  readonly call: 'users' | 'usersreplace'
  readonly startedAt: number
  /** The number of the next batch. */
  readonly next: number
  readonly closed: boolean
  readonly received: number
  readonly matched: number
  readonly invalid: number
}

/** Where a request stands in its session. */
export interface Place {
  readonly session: Session
  readonly isLast: boolean
  /** A batch that was taken before: repeating it is no error and counts nothing. */
  readonly isRepeat: boolean
}

/** The sessions of an ad account. */
export interface Sessions {
  /** Where a request belongs; the place becomes the session's only by `advance`. `text` is where it is written, because ids have 64 bits. */
  enter(value: unknown, text: string, audienceId: string, call: Session['call']): Place | { readonly error: GraphError }
  advance(place: Place, counts: { readonly received: number; readonly matched: number; readonly invalid: number }): void
  find(audienceId: string, id: string): Session | undefined
  /** A session on this audience that is neither closed nor over. */
  openOn(audienceId: string): Session | undefined
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  clear(): void
}

const LIFETIME_MS = 90 * 60_000

/** No sessions yet. */
export function createSessions(now: () => number, store: () => Store): Sessions {
  const sessions = new Map<string, Session>()
  const isOpen = ({ closed, startedAt }: Session): boolean => !closed && now() - startedAt < LIFETIME_MS

  return {
    enter(value, text, audienceId, call) {
      if (!isRecord(value)) return { error: badParameter('session must be an object') }
      const { batch_seq: seq, last_batch_flag: last } = value
      // a 64-bit number does not survive JSON.parse
      const id = /"session_id"\s*:\s*"?(\d{1,19})"?\s*[,}]/.exec(text)?.[1]
      if (id === undefined || !['number', 'string'].includes(typeof value.session_id))
        return { error: badParameter('session.session_id must be a number of at most 64 bits') }
      if (typeof seq !== 'number' || !Number.isInteger(seq) || seq < 1)
        return { error: badParameter('session.batch_seq must be a number from 1 on') }
      if (last !== undefined && typeof last !== 'boolean') return { error: badParameter('session.last_batch_flag must be true or false') }
      const known = sessions.get(id)
      if (known !== undefined && (known.audienceId !== audienceId || known.call !== call))
        return { error: badParameter('session.session_id is in use already') }
      const session = known ?? { id, audienceId, call, startedAt: now(), next: 1, closed: false, received: 0, matched: 0, invalid: 0 }
      if (seq < session.next) return { session, isLast: last === true, isRepeat: true }
      if (seq > session.next) return { error: badParameter(`session.batch_seq must be ${session.next}`) }
      return isOpen(session) ? { session, isLast: last === true, isRepeat: false } : { error: badParameter('the session is closed') }
    },
    advance({ session, isLast, isRepeat }, { received, matched, invalid }) {
      if (isRepeat) return
      const advanced: Session = {
        ...session,
        next: session.next + 1,
        closed: isLast,
        received: session.received + received,
        matched: session.matched + matched,
        invalid: session.invalid + invalid,
      }
      sessions.set(session.id, advanced)
      store().put('session', session.id, advanced)
    },
    find(audienceId, id) {
      const session = sessions.get(id)
      return session?.audienceId === audienceId ? session : undefined
    },
    openOn: (audienceId) => [...sessions.values()].find((session) => session.audienceId === audienceId && isOpen(session)),
    *facts() {
      for (const session of sessions.values()) yield ['session', session.id, session]
    },
    restore([kind, id, value]) {
      if (kind === 'session') sessions.set(id, value as Session)
      return kind === 'session'
    },
    clear() {
      for (const id of sessions.keys()) store().remove('session', id)
      sessions.clear()
    },
  }
}
