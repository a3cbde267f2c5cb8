/** Which comparison a difference comes from: a closed list. */
export const auditChecks = [
  'checkpoint.missing',
  'checkpoint.signature',
  'checkpoint.root',
  'checkpoint.kept',
  'checkpoint.rolled-back',
  'log.row',
  'log.truncated',
  'bundle.missing',
  'bundle.malformed',
  'tile.missing',
  'tile.differs',
  'leaf.differs-from-tile',
  'entry.missing',
  'entry.extra',
  'entry.differs-from-leaf',
  'entry.differs-from-facts',
  'entry.facts-missing',
  'entry.repeated',
  'entry.secrets-missing',
  'change.without-entry',
  'change.differs',
  'entry.without-change',
  'delivery.without-request',
  'delivery.without-entries',
  'delivery.without-row',
  'delivery.differs',
  'journal.differs',
  'journal.truncated',
] as const

/** One of `auditChecks`. */
export type AuditCheck = (typeof auditChecks)[number]

/** One thing that is not as it should be. Free of personal data; subjects are random ids. */
export interface Difference {
  readonly check: AuditCheck
  /** Which entry, change, delivery, tile or checkpoint. */
  readonly about: string
  /** Why, in a sentence. */
  readonly why: string
}

/** What was looked at. `erased` are entries and journal rows of erased subjects, which are only counted; `underWay` is published and may not be in the trail yet; `journals` are counts of the journal that still hold. */
export interface AuditCounts {
  entries: number
  erased: number
  tiles: number
  changes: number
  deliveries: number
  outcomes: number
  subjects: number
  underWay: number
  journals: number
}

/** Nothing yet. */
const noCounts: Readonly<AuditCounts> = {
  entries: 0,
  erased: 0,
  tiles: 0,
  changes: 0,
  deliveries: 0,
  outcomes: 0,
  subjects: 0,
  underWay: 0,
  journals: 0,
}

/** What was found so far. */
export interface Found {
  readonly counts: Readonly<AuditCounts>
  readonly differences: number
  readonly listed: readonly Difference[]
}

/** Where an audit is: enough to go on from there in another process. Some 100 KB at most. */
export interface AuditState extends Found {
  readonly format: 2
  readonly origin: string
  /** Entries that were looked at, and the partial tiles of the tree over them, as base64, lowest level first. */
  readonly next: number
  readonly partials: readonly string[]
  /** The tree was held against its checkpoint. */
  readonly logDone: boolean
  /** Subjects up to this one were compared with their origins; empty where none was. */
  readonly subject: string
}

/** What an audit came to: `differences` are all that were found; the first of them are listed. */
export interface AuditReport extends Found {
  readonly ok: boolean
  readonly origin: string
  /** Of the newest published checkpoint. */
  readonly size: number
}

/** What two that looked at different things have found, what is wrong with the log as a whole first. An audit that goes on looks at that once more: it counts once. */
export function joined(one: Found, other: Found, maxListed: number): Found {
  const counts = { ...one.counts }
  for (const name of Object.keys(noCounts) as (keyof AuditCounts)[]) counts[name] += other.counts[name]
  const isKnown = ({ check, about, why }: Difference) =>
    isAboutAll(check) && one.listed.some((known) => known.check === check && known.about === about && known.why === why)
  const fresh = other.listed.filter((difference) => !isKnown(difference))
  return {
    counts,
    differences: one.differences + other.differences - (other.listed.length - fresh.length),
    listed: shown([...one.listed, ...fresh], maxListed),
  }
}

/** Collects differences: all are counted, the first so many are kept. */
export interface Findings {
  readonly counts: AuditCounts
  /** As it is now. */
  sofar(): Found
  add(check: AuditCheck, about: string, why: string): void
}

/** Findings to be collected. */
export function findings(maxListed: number): Findings {
  let listed: readonly Difference[] = []
  let differences = 0
  const counts = { ...noCounts }
  return {
    counts,
    sofar: () => ({ counts: { ...counts }, differences, listed }),
    add: (check, about, why) => {
      differences += 1
      if (listed.length < maxListed || isAboutAll(check)) listed = shown([...listed, { check, about, why }], maxListed)
    },
  }
}

const isAboutAll = (check: AuditCheck): boolean => check.startsWith('checkpoint.') || check.startsWith('log.')

/** What is wrong with the log as a whole is said first, and is never crowded out. */
function shown(found: readonly Difference[], most: number): readonly Difference[] {
  return [...found.filter(({ check }) => isAboutAll(check)), ...found.filter(({ check }) => !isAboutAll(check))].slice(0, most)
}
