import { randomUUID } from 'node:crypto'
import type { Fact, Store } from '../frame/store.ts'
import type { Stage } from '../frame/vendor.ts'
import type { Audience, AudienceBook } from './book.ts'
import type { Key } from './people.ts'

/** A change of one membership, as a request asked for it. */
export interface Change {
  readonly audienceId: string
  readonly keys: readonly Key[]
  readonly member: boolean
  /** When the membership ends by itself, in milliseconds since the epoch. */
  readonly expiresAt?: number
}

/** What a vendor took but has not worked off yet. Restarts of the sandbox lose none of it. */
export interface Work {
  /**
   * Takes the changes of one request. Without a delay they hold when this returns. No order is promised: not within a
   * request, and not between two requests that are under way together.
   */
  submit(changes: readonly Change[]): void
  /** Requests that were taken and not yet worked off. */
  underWay(): number
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  clear(): void
}

interface Job {
  readonly id: string
  readonly dueAt: number
  readonly changes: readonly Change[]
}

/** Work that is applied to the book `delayMs()` after it was taken, give or take half of it. */
export function createWork(stage: Stage, book: AudienceBook, store: () => Store, delayMs: () => number): Work {
  const jobs = new Map<string, { readonly job: Job; readonly callOff: () => void }>()

  const perform = ({ changes }: Pick<Job, 'changes'>): void => {
    const mixed = new Set(changes.map(({ member }) => member)).size > 1
    for (const change of mixed ? stage.random.shuffled(changes) : changes) {
      const audience = book.find(change.audienceId)
      if (audience !== undefined) apply(book, audience, change)
    }
  }
  const schedule = (job: Job): void => {
    const callOff = stage.clock.after(job.dueAt - stage.clock.now(), () => {
      jobs.delete(job.id)
      perform(job)
      store().remove('work', job.id)
    })
    jobs.set(job.id, { job, callOff })
  }

  return {
    submit(changes) {
      const delay = delayMs()
      if (delay <= 0) return perform({ changes })
      const job = { id: randomUUID(), dueAt: stage.clock.now() + delay * (0.5 + stage.random.next()), changes }
      store().put('work', job.id, job)
      schedule(job)
    },
    underWay: () => jobs.size,
    *facts() {
      for (const { job } of jobs.values()) yield ['work', job.id, job]
    },
    restore([kind, , value]) {
      if (kind === 'work') schedule(value as Job)
      return kind === 'work'
    },
    clear() {
      for (const { job, callOff } of jobs.values()) {
        callOff()
        store().remove('work', job.id)
      }
      jobs.clear()
    },
  }
}

function apply(book: AudienceBook, audience: Audience, { keys, member, expiresAt }: Change): void {
  if (member) book.put(audience, keys, expiresAt)
  else book.take(audience, keys)
}
