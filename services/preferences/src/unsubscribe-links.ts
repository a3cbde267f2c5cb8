import { randomUUID } from 'node:crypto'
import { type LinkKey, mintUnsubscribeToken, unsubscribeHeaders } from '@heed/contracts'
import { findPurpose, type OriginKind, type Policy, type PurposeKey, parsePurposeKey, purposeOf, type SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { LinksMadeRow, LinkUse as RecordedUse } from './acts.ts'
import type { Directory } from './directory.ts'
import { bodyHash, type PersonRef, requestRowId } from './door.ts'
import { unknownSubject } from './faults.ts'
import type { Intake } from './intake.ts'
import type { Journal, Standing } from './journal.ts'
import type { Store, SubjectRow } from './rows.ts'
import type { Suppressions } from './suppressions.ts'

/** What goes into a mail to one person. */
export interface MadeLink {
  readonly subjectId: SubjectId
  readonly url: string
  readonly listUnsubscribe: string
  readonly listUnsubscribePost: string
}

/** A click whose token the edge has checked. */
export interface LinkUse {
  readonly linkRef: string
  readonly scope: 'all' | PurposeKey
  readonly method: Extract<OriginKind, 'one-click' | 'preference-page' | 'mailto'>
  readonly tokenFingerprint: string
  readonly keyId: string
  /** ms since the epoch */
  readonly usedAt: number
  readonly requestId: string
}

/** What a click came to. */
export interface LinkUsed {
  readonly result: 'changed' | 'unchanged' | 'erased' | 'unknown'
  readonly changeId: string
}

/** Makes and uses unsubscribe links. */
export interface Links {
  /** A link for each person, in their order; whoever nobody knows becomes a subject. When it resolves, that the links were made is recorded. */
  create(purpose: PurposeKey, people: readonly PersonRef[], caller: string): Promise<MadeLink[]>
  /** Carries out each click; one result for each, in their order, once what follows from it is durable. The same request id is carried out once. */
  use(uses: readonly LinkUse[], caller: string): Promise<LinkUsed[]>
}

/** What `all` on an unsubscribe link stands for: every promotional mail (section 5 of the policy). */
const everyMail = parsePurposeKey('email-marketing')

/**
 * The key that a click denies. A token may be older than the policy: a topic that is gone stands for its purpose, and a purpose that is gone, or cannot be
 * refused, for all promotional mail. A click is never lost for it. Undefined where the policy has no promotional mail at all.
 */
export function deniedBy(policy: Policy, scope: 'all' | PurposeKey): PurposeKey | undefined {
  const candidates = scope === 'all' ? [everyMail] : [scope, purposeOf(scope), everyMail]
  return candidates.find((key) => key !== undefined && findPurpose(policy, key)?.refusable === true)
}

export function links(options: {
  readonly store: Store
  readonly directory: Directory
  readonly journal: Journal
  readonly suppressions: Pick<Suppressions, 'erasedLinks'>
  readonly intake: Pick<Intake, 'submit'>
  readonly policy: Policy
  readonly signingKey: LinkKey
  readonly publicUrl: string
  readonly mailto?: string
  readonly clock: Clock
  readonly recorded: () => void
}): Links {
  const { store, directory, journal, suppressions, intake, policy, signingKey, publicUrl, mailto, clock, recorded } = options

  /** One row for a call. The clicks of a call that is repeated are recorded again, under the same ids. */
  const record = async (uses: readonly RecordedUse[], caller: string): Promise<void> => {
    if (uses.length === 0) return
    await store.acts.insertOne({
      _id: `links-used/${randomUUID()}`,
      type: 'heed.link.used.v1',
      at: new Date(clock.now()),
      by: caller,
      publishedAt: null,
      uses,
    })
    recorded()
  }

  /** The owner of each reference with its standing; a new subject for each identifier that nobody owns, or whose owner was erased. */
  const ownersOf = async (
    people: readonly PersonRef[],
    attempt = 0,
  ): Promise<{ owners: SubjectId[]; standings: Map<SubjectId, Standing> }> => {
    const owners = await directory.findOrCreate(people)
    const standings = await journal.effective(owners)
    const erased = people.flatMap((ref, index) => {
      const owner = owners[index]
      return ref.by === 'identifier' && owner !== undefined && standings.get(owner)?.row?.erased === true ? [ref.lookupId] : []
    })
    if (erased.length === 0 || attempt > 0) return { owners, standings }
    directory.forget(erased)
    return ownersOf(people, attempt + 1)
  }

  return {
    async create(purpose, people, caller) {
      // before anybody is created: a call that is refused leaves nothing behind
      const named = await directory.subjects(people.flatMap((ref) => (ref.by === 'subject' ? [ref.subjectId] : [])))
      for (const [index, ref] of people.entries()) {
        if (ref.by === 'subject' && !named.has(ref.subjectId)) throw unknownSubject(`subjects[${index}]`)
      }
      const { owners, standings } = await ownersOf(people)
      const subjectIds = owners.map((owner) => standings.get(owner)?.subjectId ?? owner)
      const subjects = await directory.subjects(subjectIds)
      const now = clock.now()
      const issuedAtSeconds = Math.floor(now / 1000)
      const made = subjectIds.map((subjectId, index): MadeLink => {
        const subject = subjects.get(subjectId)
        if (subject === undefined || subject.erasedAt !== undefined) throw unknownSubject(`subjects[${index}]`)
        const token = mintUnsubscribeToken({ linkRef: subject.linkRef, scope: purpose, issuedAtSeconds }, signingKey)
        return { subjectId, ...unsubscribeHeaders(publicUrl, token, mailto) }
      })
      const row: LinksMadeRow = {
        _id: `links/${randomUUID()}`,
        type: 'heed.link.made.v1',
        at: new Date(now),
        by: caller,
        publishedAt: null,
        purpose,
        subjectIds: [...new Set(subjectIds)],
      }
      await store.acts.insertOne(row)
      recorded()
      return made
    },

    async use(uses, caller) {
      const subjects = new Map<string, SubjectRow>()
      for await (const row of store.subjects.find(
        { linkRef: { $in: [...new Set(uses.map(({ linkRef }) => linkRef))] } },
        { hint: 'link_ref' },
      )) {
        subjects.set(row.linkRef, row)
      }
      const gone = await suppressions.erasedLinks(uses.flatMap(({ linkRef }) => (subjects.has(linkRef) ? [] : [linkRef])))
      const acts: RecordedUse[] = []
      const carryOut = async (use: LinkUse): Promise<LinkUsed> => {
        const subject = subjects.get(use.linkRef)
        const key = deniedBy(policy, use.scope)
        if (subject === undefined && gone.has(use.linkRef)) return { result: 'erased', changeId: '' }
        if (subject === undefined || key === undefined) return { result: 'unknown', changeId: '' }
        if (subject.erasedAt !== undefined) return { result: 'erased', changeId: '' }
        const accepted = await intake.submit({
          rowId: requestRowId(caller, use.requestId),
          body: bodyHash(['link', use.linkRef, use.scope, use.method]),
          ref: { by: 'subject', subjectId: subject._id },
          requested: [{ key, choice: 'denied' }],
          origin: { kind: use.method, caller },
        })
        acts.push({
          actId: `used/${requestRowId(caller, use.requestId)}`,
          at: new Date(use.usedAt),
          subjectId: accepted.subjectId,
          scope: use.scope,
          method: use.method,
          tokenFingerprint: use.tokenFingerprint,
          keyId: use.keyId,
          ...(accepted.changed ? { changeId: accepted.changeId } : {}),
        })
        return { result: accepted.changed ? 'changed' : 'unchanged', changeId: accepted.changeId }
      }
      // all settle before one of them may fail the call: those that were journalled are recorded even then
      const results = await Promise.allSettled(uses.map(carryOut))
      await record(acts, caller)
      return results.map((result) => {
        if (result.status === 'rejected') throw result.reason
        return result.value
      })
    },
  }
}
