import type { RecipientWork } from './recipient.ts'
import type { ReassertRound, RecipientState } from './recipient-state.ts'

const dayMs = 86_400_000
const hourMs = 3_600_000
// one request of most vendors; a query of the database takes it well
const longestStretch = 5_000
// how soon it looks again where the account's rate is needed for others
const laterMs = 60_000
// more rows come in while a round lasts
const countsInRound = 30

/** When the next stretch of a round is due: a round is as even as full batches allow, and ends with its interval. Pure. */
export function nextStretchAt(round: Pick<ReassertRound, 'startedAt' | 'total' | 'seen'>, everyMs: number, stretch: number): number {
  const share = round.total === 0 ? 1 : Math.min(1, (round.seen + stretch) / round.total)
  return round.startedAt + Math.round(everyMs * share)
}

/** What the upkeep of a recipient did, and when it wants to look again, ms since the epoch. */
export interface KeptUp {
  readonly next: number
  /** Rows that are to be told again, and rows that are to be read back, since this look. */
  readonly told: number
  readonly sampled: number
}

/** True while the account may spend something on what is not urgent: half of what it has is kept for what is. */
function isAtLeisure<Settings>({ sender }: RecipientWork<Settings>): boolean {
  const { requestsPerMinute = Number.POSITIVE_INFINITY, requestsPerDay = Number.POSITIVE_INFINITY } = sender.descriptor.rate
  const least = Math.min(requestsPerMinute, requestsPerDay) / 2
  return sender.account.available() >= least
}

async function tellAgain<Settings>(work: RecipientWork<Settings>, state: RecipientState): Promise<Pick<KeptUp, 'next' | 'told'>> {
  const { recipientId, standing, states, upkeep, clock, sender } = work
  const everyMs = upkeep.reassertEveryDays * dayMs
  if (everyMs === 0) return { next: Number.POSITIVE_INFINITY, told: 0 }
  const now = clock.now()
  const stretch = Math.min(sender.descriptor.batch.maxTasks, longestStretch)
  const known = state.reassert
  const isOver = known === undefined || (known.ended === true && now >= known.startedAt + everyMs)
  if (!isOver && known.ended === true) return { next: known.startedAt + everyMs, told: 0 }
  let round: ReassertRound = isOver ? { startedAt: now, total: 0, countedAt: 0, seen: 0 } : known
  if (now >= round.countedAt + everyMs / countsInRound) {
    round = { ...round, total: await standing.count(recipientId), countedAt: now }
    await states.keepUp(recipientId, { reassert: round })
  }
  const at = nextStretchAt(round, everyMs, stretch)
  if (at > now) return { next: Math.min(at, round.countedAt + everyMs / countsInRound), told: 0 }
  // a vendor that is behind is not given more than a batch of this
  if (!isAtLeisure(work) || (await standing.inLine(recipientId, stretch)) >= stretch) return { next: now + laterMs, told: 0 }
  const { seen, due, last } = await standing.wantAgain(
    recipientId,
    { after: round.after, limit: stretch },
    // what was asked for lately has its turn in the next round
    { now, askedBefore: now - everyMs / 2 },
  )
  const after: ReassertRound = {
    ...round,
    seen: round.seen + seen,
    ...(last === undefined ? {} : { after: last }),
    ...(seen < stretch ? { ended: true as const } : {}),
  }
  await states.keepUp(recipientId, { reassert: after })
  return { next: now, told: due }
}

async function sample<Settings>(work: RecipientWork<Settings>, state: RecipientState): Promise<Pick<KeptUp, 'next' | 'sampled'>> {
  const { recipientId, standing, states, upkeep, clock } = work
  const everyMs = upkeep.driftSampleEveryHours * hourMs
  const limit = upkeep.driftSampleSize
  if (everyMs === 0 || limit === 0) return { next: Number.POSITIVE_INFINITY, sampled: 0 }
  const now = clock.now()
  const before = state.sample
  if (before === undefined) {
    await states.keepUp(recipientId, { sample: { at: now } })
    return { next: now + everyMs, sampled: 0 }
  }
  if (before.at + everyMs > now) return { next: before.at + everyMs, sampled: 0 }
  if (!isAtLeisure(work)) return { next: now + laterMs, sampled: 0 }
  const { seen, due, last } = await standing.putUpForReadBack(recipientId, { after: before.after, limit }, { now })
  // from the beginning again where this was the end
  await states.keepUp(recipientId, { sample: { at: now, ...(seen < limit || last === undefined ? {} : { after: last }) } })
  return { next: now + everyMs, sampled: due }
}

/**
 * Looks after what a recipient holds already: wants refusals again where they cannot be read, and puts some up for a read-back where they can. At most one batch of
 * each; where it stands is kept in the database. To be called when nothing is due.
 */
export async function keepUp<Settings>(work: RecipientWork<Settings>): Promise<KeptUp> {
  const { recipientId, upkeep, states, events } = work
  if (upkeep.reassertEveryDays === 0 && upkeep.driftSampleEveryHours * upkeep.driftSampleSize === 0)
    return { next: Number.POSITIVE_INFINITY, told: 0, sampled: 0 }
  const state = await states.get(recipientId)
  const { next, told } = await tellAgain(work, state)
  const { next: nextSample, sampled } = await sample(work, state)
  if (told > 0) events.toldAgain(recipientId, told)
  return { next: Math.min(next, nextSample), told, sampled }
}
