import { hash } from 'node:crypto'
import { type Grant, mayUse, type Permission, type Policy, type PurposeKey, type Recipient, type SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import type { DisclosureRow } from './acts.ts'
import type { Directory } from './directory.ts'
import type { PersonRef } from './door.ts'
import { reusedRequestId } from './faults.ts'
import type { People } from './people.ts'
import type { Store } from './rows.ts'

/** A list that somebody is about to hand to a recipient, checked at the door. */
export interface DisclosureQuestion {
  /** `<caller>:<request id>` */
  readonly rowId: string
  readonly body: string
  readonly recipient: Recipient
  readonly purpose?: PurposeKey
  /** What is handed over; the policy grants each. */
  readonly forms: readonly Grant[]
  readonly refs: readonly PersonRef[]
  readonly reference?: string
  readonly caller: string
}

/** Whether one person of the list may be handed over. */
export interface Authorized {
  readonly permission: Permission
  /** Undefined for somebody who is not allowed and whom nobody knows. */
  readonly subjectId: SubjectId | undefined
}

/** Filters lists before they leave. */
export interface DisclosureGate {
  /**
   * One answer for each person, in their order, as of now. When it resolves, the hand-over of those who are allowed is recorded as a disclosure; whoever of them
   * nobody knew is a subject by then. The same row id is recorded once.
   * @throws GrpcFault for a subject id that was never given out, and for a row id of another question.
   */
  authorize(question: DisclosureQuestion): Promise<Authorized[]>
}

export function disclosureGate(options: {
  readonly store: Pick<Store, 'acts'>
  readonly people: Pick<People, 'find'>
  readonly directory: Pick<Directory, 'findOrCreate'>
  readonly policy: Policy
  readonly clock: Clock
  /** Called after the act became durable. */
  readonly recorded: () => void
}): DisclosureGate {
  const { store, people, directory, policy, clock, recorded } = options
  return {
    async authorize({ rowId, body, recipient, purpose, forms, refs, reference, caller }) {
      const actId = `disclosure/${hash('sha256', rowId, 'base64url').slice(0, 32)}`
      const before = await store.acts.findOne({ _id: actId })
      if (before !== null && (before.type !== 'heed.disclosure.made.v1' || before.body !== body)) throw reusedRequestId()
      const found = await people.find(refs, (index) => `subjects[${index}]`)
      const question = { recipientId: recipient.id, ...(purpose === undefined ? {} : { purpose }) }
      const permissions = found.map(({ snapshot }) => mayUse(policy, snapshot, question))
      // a hand-over is recorded with a subject, so whoever is allowed becomes one
      const strangers = refs.filter((_, index) => permissions[index]?.allowed === true && found[index]?.subjectId === undefined)
      const made = await directory.findOrCreate(strangers)
      const owners = new Map(strangers.map((ref, index) => [ref, made[index]]))
      const answers = refs.map((ref, index): Authorized => {
        const permission = permissions[index] ?? { allowed: false, reason: 'not_served', deniedPurposes: [] }
        return { permission, subjectId: found[index]?.subjectId ?? owners.get(ref) }
      })
      const allowed = [
        ...new Set(answers.flatMap(({ permission, subjectId }) => (permission.allowed && subjectId !== undefined ? [subjectId] : []))),
      ]
      if (allowed.length > 0 && before === null) {
        const row: DisclosureRow = {
          _id: actId,
          type: 'heed.disclosure.made.v1',
          at: new Date(clock.now()),
          by: caller,
          publishedAt: null,
          recipientId: recipient.id,
          policyVersion: policy.version,
          ...(reference === undefined ? {} : { reference }),
          body,
          forms: [forms.map(({ kind, form }) => ({ kind, form, count: 1 }))],
          items: allowed.map((subjectId) => ({ subjectId, form: 0 })),
        }
        // before the answer leaves: what cannot be recorded is not allowed
        await store.acts.insertOne(row).catch((thrown: unknown) => {
          // the same question at the same time
          if (duplicateKeyIndex(thrown) === undefined) throw thrown
        })
        recorded()
      }
      return answers
    },
  }
}
