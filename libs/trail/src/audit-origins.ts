import { changeToEvent, type EventData } from '@heed/contracts'
import { changeIdOf, deliveryIdOf, type SubjectId } from '@heed/domain'
import { type Life, livesAfter, livesOf } from './audit-lives.ts'
import { type AuditCheck, type Findings, type Found, findings } from './audit-report.ts'
import type { AuditedStores, JournalRow } from './audit-stores.ts'
import { erasedAmong } from './audit-tree.ts'
import { deliveryRow, type HeardDelivery, hearOutcome, hearRequest, hearResolved, unheardDelivery } from './delivery-row.ts'
import { eventOf } from './leaves.ts'
import type { EntryRow } from './rows.ts'
import { supersede } from './supersession.ts'

/** What is to be compared with its origins. */
export interface OriginsTask {
  /** Subjects up to this one were looked at. */
  readonly after: string
  /** How long what differs gets to become right, ms. */
  readonly settleMs: number
  readonly rowsAtOnce: number
  readonly maxListed: number
}

/** How far the comparison is, and what it has found. */
export interface OriginsReached extends Found {
  readonly subject: string
}

/** Carries the comparison out, and tells of each step; resolves when nothing is left, rejects when `signal` is aborted. */
export type OriginsAuditor = (task: OriginsTask, reached: (at: OriginsReached) => Promise<void>, signal: AbortSignal) => Promise<void>

/** What the comparison with the origins needs. */
export interface OriginsAudit extends OriginsTask {
  readonly stores: AuditedStores
  readonly now: () => number
  readonly reached: (at: OriginsReached) => Promise<void>
}

/** A change that was published is in the trail within a minute. */
const underWayMs = 60_000

/** Walks through journal, entries and deliveries side by side, subject by subject, and compares what they say. */
export async function auditOrigins(options: OriginsAudit): Promise<void> {
  const { stores, settleMs, rowsAtOnce, maxListed, now, reached } = options
  const found = findings(maxListed)
  for await (const lives of livesAfter(stores, options.after, rowsAtOnce)) {
    const differing = lives.filter((life) => compare(life, now()).length > 0)
    const erased = await erasedAmong(
      stores,
      differing.map(({ subjectId }) => subjectId),
    )
    const suspects: SubjectId[] = []
    for (const life of differing) if (!erased.has(life.subjectId)) suspects.push(life.subjectId)
    for (const life of lives) {
      if (erased.has(life.subjectId)) found.counts.erased += life.changes.length
      count(found, life, now())
    }
    if (suspects.length > 0) {
      // the three were read one after the other while a hub may be writing: what is wrong stays wrong
      await new Promise((resolve) => setTimeout(resolve, settleMs))
      const again = await livesOf(stores, suspects)
      const erasedSince = await erasedAmong(stores, suspects)
      for (const life of again)
        if (!erasedSince.has(life.subjectId)) for (const { check, about, why } of compare(life, now())) found.add(check, about, why)
    }
    const last = lives.at(-1)
    if (last !== undefined) await reached({ subject: last.subjectId, ...found.sofar() })
  }
}

function count({ counts }: Findings, { entries, changes, deliveries }: Life, now: number): void {
  counts.subjects += 1
  counts.changes += changes.length
  counts.deliveries += deliveries.length
  for (const { kind } of entries) if (kind === 'delivery-attempted') counts.outcomes += 1
  for (const row of changes) if (isUnderWay(row, now)) counts.underWay += 1
}

const isUnderWay = ({ publishedAt }: JournalRow, now: number) => publishedAt === null || now - publishedAt.getTime() < underWayMs

/** What is not as it should be in a life. */
function compare(life: Life, now: number): { check: AuditCheck; about: string; why: string }[] {
  const wrong: { check: AuditCheck; about: string; why: string }[] = []
  const once = new Map<string, EntryRow>()
  for (const entry of life.entries) {
    const first = once.get(entry.entryId)
    if (first === undefined) once.set(entry.entryId, entry)
    else wrong.push({ check: 'entry.repeated', about: `entry ${entry._id}`, why: `it is entry ${first._id} once more` })
  }
  compareChanges(life, now, (check, about, why) => wrong.push({ check, about, why }))
  compareDeliveries(life, [...once.values()], (check, about, why) => wrong.push({ check, about, why }))
  return wrong
}

type Add = (check: AuditCheck, about: string, why: string) => void

function compareChanges({ subjectId, entries, changes }: Life, now: number, add: Add): void {
  const accepted = new Map<number, EntryRow>()
  for (const entry of entries) if (entry.kind === 'change-accepted' && entry.version !== undefined) accepted.set(entry.version, entry)
  for (const row of changes) {
    const about = `change ${changeIdOf(subjectId, row.version)}`
    const entry = accepted.get(row.version)
    accepted.delete(row.version)
    if (entry === undefined) {
      if (!isUnderWay(row, now))
        add('change.without-entry', about, 'the journal has it, published more than a minute ago, and the trail has not')
      continue
    }
    const names = changesThatDiffer(row, entry)
    if (names.length > 0) add('change.differs', about, `the journal and entry ${entry._id} do not say the same: ${names.join(', ')}`)
  }
  for (const [version, { _id }] of accepted)
    add('entry.without-change', `entry ${_id}`, `it tells of change ${changeIdOf(subjectId, version)}, which the journal has not`)
}

function changesThatDiffer(row: JournalRow, entry: EntryRow): string[] {
  const event = readable(entry)
  if (event?.type !== 'heed.preference.changed.v1') return ['the facts of the entry']
  const { subjectId, version, choices, mergedInto, cause, changed, linked, origin, policyVersion, acceptedAt } = row
  const snapshot = { subjectId, version, choices, ...(mergedInto === undefined ? {} : { mergedInto }) }
  const change = {
    id: changeIdOf(subjectId, version),
    snapshot,
    cause,
    changed,
    linked,
    origin,
    policyVersion,
    acceptedAt: acceptedAt.getTime(),
  }
  return namesThatDiffer(changeToEvent(change), row.erased === true ? stripped(event.data) : event.data)
}

/** What an erasure leaves of a change in the journal. */
function stripped(data: EventData<'heed.preference.changed.v1'>): object {
  const choices = Object.fromEntries(
    Object.entries(data.choices).map(([purpose, { choice, version, at }]) => [purpose, { choice, version, at }]),
  )
  const { reference: _, ...origin } = data.origin
  return { ...data, choices, origin }
}

function compareDeliveries({ deliveries }: Life, entries: readonly EntryRow[], add: Add): void {
  const heard = new Map<string, HeardDelivery>()
  const firstEntry = new Map<string, number>()
  for (const entry of entries) {
    if (entry.kind === 'change-accepted') continue
    const event = readable(entry)
    if (event === undefined) continue
    switch (event.type) {
      case 'heed.delivery.requested.v1':
      case 'heed.delivery.attempted.v1':
      case 'heed.delivery.resolved.v1': {
        const { recipientId, subjectId, version } = event.data
        const id = deliveryIdOf(recipientId, subjectId, version)
        let delivery = heard.get(id)
        if (delivery === undefined) {
          delivery = unheardDelivery(recipientId, subjectId, version)
          heard.set(id, delivery)
          firstEntry.set(id, entry._id)
        }
        if (event.type === 'heed.delivery.requested.v1') delivery.heard = hearRequest(delivery.heard, event.data)
        else if (event.type === 'heed.delivery.attempted.v1') delivery.heard = hearOutcome(delivery.heard, event.data)
        else delivery.heard = hearResolved(delivery.heard, event.data)
        break
      }
      default:
        break
    }
  }
  const expected = new Map(supersede([...heard.values()].map(deliveryRow)).map((row) => [row._id, row]))
  for (const row of deliveries) {
    const about = `delivery ${row._id}`
    const should = expected.get(row._id)
    expected.delete(row._id)
    if (should === undefined) add('delivery.without-entries', about, 'no entry of the trail speaks of it')
    else if (row.request !== undefined && should.request === undefined)
      add('delivery.without-request', about, 'no entry of the trail says that it was requested')
    else {
      const names = namesThatDiffer(row, should)
      if (names.length > 0)
        add('delivery.differs', about, `it stands as ${row.state}, by the entries as ${should.state}; different are ${names.join(', ')}`)
    }
  }
  for (const id of expected.keys())
    add('delivery.without-row', `delivery ${id}`, `entry ${firstEntry.get(id)} speaks of it, and there is no row of it`)
}

function readable(entry: EntryRow): ReturnType<typeof eventOf> {
  try {
    return eventOf(entry)
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}

function namesThatDiffer(left: object, right: object): string[] {
  if (same(left, right)) return []
  const [a, b] = [new Map(Object.entries(left)), new Map(Object.entries(right))]
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => !same(a.get(name), b.get(name))).sort()
}

/** Whether two values are one in JSON: fields in any order, absent ones like undefined ones. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, at) => same(item, b[at]))
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const name in left) if (!same(left[name], right[name])) return false
  for (const name in right) if (right[name] !== undefined && left[name] === undefined) return false
  return true
}
