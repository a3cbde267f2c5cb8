import type { AudienceBook } from '../audience/book.ts'
import { personSwitch } from '../audience/person-switch.ts'
import type { Switches } from '../frame/misbehaviour.ts'
import type { Fact, Store } from '../frame/store.ts'
import type { Stage } from '../frame/vendor.ts'
import type { GoogleFault } from './faults.ts'
import { type ListKind, recognition } from './lists.ts'
import type { SentMember } from './members.ts'
import type { Accepted, Call } from './requests.ts'

/** What became of a request at one destination, as `requestStatus:retrieve` shows it. */
export interface DestinationStatus {
  readonly requestStatus: string
  readonly errorInfo?: { readonly errorCounts: readonly { readonly recordCount: string; readonly reason: string }[] }
}

/** A request that was accepted; its members are kept until it is worked off. */
interface Job {
  readonly id: string
  readonly call: Call
  readonly kind: ListKind
  readonly destinations: readonly { readonly written: Readonly<Record<string, unknown>>; readonly listId: string }[]
  readonly members: readonly SentMember[]
  readonly removeAsOf?: number | undefined
  readonly records: number
  readonly identifiers: number
  readonly dueAt: number
  readonly done?: readonly DestinationStatus[] | undefined
}

/** Accepted requests, worked off a while later, in no promised order. */
export interface Jobs {
  submit(id: string, accepted: Accepted): void
  /** The body of `requestStatus:retrieve`; `undefined` for a request that it does not know (any more). */
  show(id: string): Record<string, unknown> | undefined
  underWay(): number
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  clear(): void
}

/** How many finished requests are remembered. */
const REMEMBERED = 10_000
const INTERNAL = 'PROCESSING_ERROR_REASON_INTERNAL_ERROR'
// how long a request that hangs is left alone before it is looked at again
const STUCK_MS = 1000

/** The jobs of a vendor: each is done `paceMs()` after it was accepted, give or take half of it. */
export function createJobs(
  stage: Stage,
  book: AudienceBook,
  switches: Switches<GoogleFault>,
  store: () => Store,
  paceMs: () => number,
): Jobs {
  const jobs = new Map<string, Job>()
  const waiting = new Map<string, () => void>()
  let failures = 0

  const keep = (job: Job): void => {
    jobs.delete(job.id)
    jobs.set(job.id, job)
    store().put('request', job.id, job)
    if (jobs.size - waiting.size <= REMEMBERED) return
    for (const [id, { done }] of jobs) {
      if (done === undefined) continue
      jobs.delete(id)
      store().remove('request', id)
      return
    }
  }
  const schedule = (job: Job, delayMs: number): void => {
    waiting.set(
      job.id,
      stage.clock.after(delayMs, () => {
        if (switches.take('stuck', {}) !== undefined) return schedule(job, STUCK_MS)
        waiting.delete(job.id)
        keep({ ...job, members: [], done: job.destinations.map(({ listId }) => workOff(job, listId)) })
      }),
    )
  }

  const failed = (counts: ReadonlyMap<string, number>, records: number): DestinationStatus => {
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
    const errorInfo = { errorCounts: [...counts].map(([reason, count]) => ({ recordCount: String(count), reason })) }
    if (total < records) return { requestStatus: 'PARTIAL_SUCCESS', errorInfo }
    failures += 1
    // the vendor's pages print both words
    return { requestStatus: failures % 2 === 1 ? 'FAILED' : 'FAILURE', errorInfo }
  }

  const workOff = (job: Job, listId: string): DestinationStatus => {
    const audience = book.find(listId)
    if (audience === undefined || switches.take('fails-late', {}) !== undefined)
      return failed(new Map([[INTERNAL, job.records]]), job.records)
    if (job.call === 'removeAll') {
      book.empty(audience, job.removeAsOf)
      return { requestStatus: 'SUCCESS' }
    }
    const poisoned = personSwitch(switches, 'poison-late', recognition.keysOf)
    const halved = switches.take('partial-late', {}) !== undefined
    const counts = new Map<string, number>()
    for (const [index, member] of job.members.entries()) {
      const reason =
        halved && index % 2 === 0 ? INTERNAL : (consentProblem(job.call, member) ?? (poisoned?.(member.keys) ? INVALID : undefined))
      if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1)
      else if (job.call === 'ingest') book.put(audience, member.keys)
      else book.take(audience, member.keys)
    }
    return counts.size === 0 ? { requestStatus: 'SUCCESS' } : failed(counts, job.records)
  }

  return {
    submit(id, { call, kind, destinations, members, removeAsOf }) {
      const delayMs = paceMs() * (0.5 + stage.random.next())
      const job: Job = {
        id,
        call,
        kind,
        destinations: destinations.map(({ written, audience }) => ({ written, listId: audience.id })),
        members,
        removeAsOf,
        records: members.length,
        identifiers: members.reduce((sum, { identifiers }) => sum + identifiers, 0),
        dueAt: stage.clock.now() + delayMs,
      }
      schedule(job, delayMs)
      keep(job)
    },
    show(id) {
      const job = jobs.get(id)
      if (job === undefined) return undefined
      const unknown = switches.take('status-unknown', {}) !== undefined
      return {
        requestStatusPerDestination: job.destinations.map(({ written }, index) => {
          const status = job.done?.[index] ?? { requestStatus: 'PROCESSING' }
          if (unknown) return { destination: written, requestStatus: 'REQUEST_STATUS_UNKNOWN' }
          return { destination: written, ...status, ...countsOf(job) }
        }),
      }
    },
    underWay: () => waiting.size,
    *facts() {
      for (const job of jobs.values()) yield ['request', job.id, job]
    },
    restore([kind, id, value]) {
      if (kind !== 'request') return false
      const job = value as Job
      jobs.set(id, job)
      if (job.done === undefined) schedule(job, job.dueAt - stage.clock.now())
      return true
    },
    clear() {
      for (const callOff of waiting.values()) callOff()
      for (const id of jobs.keys()) store().remove('request', id)
      waiting.clear()
      jobs.clear()
    },
  }
}

const INVALID = 'PROCESSING_ERROR_REASON_INVALID_FORMAT'

function consentProblem(call: Call, { consent }: SentMember): string | undefined {
  if (call !== 'ingest') return undefined
  const given = [consent?.adUserData, consent?.adPersonalization]
  if (given.includes('CONSENT_DENIED')) return 'PROCESSING_ERROR_REASON_DENIED_CONSENT'
  return given.every((one) => one === 'CONSENT_GRANTED') ? undefined : 'PROCESSING_ERROR_REASON_UNKNOWN_CONSENT'
}

const COUNTED = {
  contact: ['userData', 'userIdentifierCount'],
  mobile: ['mobileData', 'mobileIdCount'],
  'user-id': ['userIdData', 'userIdCount'],
} as const

// 64-bit integers are texts in this API's JSON
function countsOf({ call, kind, records, identifiers }: Job): Record<string, unknown> {
  if (call === 'removeAll') return { removeAllAudienceMembersStatus: {} }
  const [data, counted] = COUNTED[kind]
  const counts = { recordCount: String(records), [counted]: String(identifiers) }
  return call === 'remove'
    ? { audienceMembersRemovalStatus: { [`${data}RemovalStatus`]: counts } }
    : { audienceMembersIngestionStatus: { [`${data}IngestionStatus`]: counts } }
}
