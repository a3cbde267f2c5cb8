import { hash } from 'node:crypto'
import { everyRefusal, type Policy, type SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { ClaimedIdentifier, Directory } from './directory.ts'
import { bodyHash } from './door.ts'
import type { Intake } from './intake.ts'
import type { Journal } from './journal.ts'
import type { Suppressions } from './suppressions.ts'

/** What became of the identifiers of a piece. */
export interface Imported {
  readonly suppressed: number
  readonly known: number
  readonly denied: number
  readonly unchanged: number
}

/** Takes in identifiers that must be left alone. */
export interface SuppressionImport {
  /**
   * When it resolves: of an identifier that nobody owns a keyed hash is kept and nothing else; the owner of another has refused everything that can be refused.
   * Doing it again under the same id is harmless.
   */
  take(
    identifiers: readonly ClaimedIdentifier[],
    request: { readonly rowId: string; readonly reference: string; readonly caller: string },
  ): Promise<Imported>
}

export function suppressionImport(options: {
  readonly directory: Pick<Directory, 'find' | 'forget'>
  readonly journal: Pick<Journal, 'effective'>
  readonly suppressions: Suppressions
  readonly intake: Pick<Intake, 'submit'>
  readonly policy: Policy
  readonly clock: Clock
}): SuppressionImport {
  const { directory, journal, suppressions, intake, policy, clock } = options
  const everything = everyRefusal(policy)

  /** The living owners of identifiers. */
  const ownersOf = async (identifiers: readonly ClaimedIdentifier[]): Promise<Map<string, SubjectId>> => {
    const owners = await directory.find(identifiers.map(({ lookupId }) => lookupId))
    const standings = await journal.effective([...new Set(owners.values())])
    const gone = [...owners].filter(([, owner]) => standings.get(owner)?.row?.erased === true).map(([lookupId]) => lookupId)
    if (gone.length === 0) return owners
    directory.forget(gone)
    return directory.find(identifiers.map(({ lookupId }) => lookupId))
  }

  return {
    async take(identifiers, { rowId, reference, caller }) {
      const unique = new Map(identifiers.map((claimed) => [claimed.lookupId, claimed]))
      let owners = await ownersOf([...unique.values()])
      const unowned = [...unique.values()].filter(({ lookupId }) => !owners.has(lookupId))
      const suppressed = await suppressions.add(
        unowned.map(({ identifier }) => identifier),
        { since: clock.now(), child: false },
      )
      // somebody may have come in between the look and the hash: she is denied by name
      if (unowned.length > 0) owners = new Map([...owners, ...(await ownersOf(unowned))])
      const outcomes = await Promise.all(
        [...owners].map(async ([lookupId, subjectId]) => {
          const accepted = await intake.submit({
            rowId: `${rowId}#${hash('sha256', lookupId, 'base64url').slice(0, 22)}`,
            body: bodyHash(['suppress', lookupId]),
            ref: { by: 'subject', subjectId },
            requested: everything,
            origin: { kind: 'import', caller, reference },
          })
          return accepted.changed
        }),
      )
      const denied = outcomes.filter((changed) => changed).length
      return { suppressed, known: unowned.length - suppressed, denied, unchanged: outcomes.length - denied }
    },
  }
}
