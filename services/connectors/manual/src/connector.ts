import { type Connector, membershipOf, type NothingToSend, SettingsError, type Task } from '@heed/connector-kit'
import { duties, identifierKinds, type Outcome } from '@heed/domain'

/** What the policy says of a duty, as far as it decides whether there is one. */
export interface ManualSettings {
  /** The role whose duty it is. */
  readonly ownerRole: string
  /** Whether something has to be done when the person consents. */
  readonly undoes: boolean
}

// it awaits a named person: nothing is wrong with it
const aDuty: Outcome = { kind: 'rejected', reason: 'item.manual-duty' }

function outcomeOf(task: Task, { undoes }: ManualSettings): Outcome {
  const membership = membershipOf(task)
  switch (membership) {
    case 'out':
      return aDuty
    case 'in':
      return undoes ? aDuty : { kind: 'notApplicable', reason: 'not-applicable.nothing-to-undo' }
    case 'unsaid':
      return { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' }
    default:
      return membership satisfies never
  }
}

/**
 * Recipients that no program can tell: each delivery becomes the duty of a role, and stays open until a named person of it has resolved it. Nothing is sent, and
 * no identifier is handed over here: whoever does the duty asks for them by `HandOverIdentifiers`.
 */
export const manual: Connector<ManualSettings> = {
  descriptor: {
    name: duties,
    docs: 'https://cppa.ca.gov/regulations/',
    // what a person can act on is for the policy's grants to say
    identifiers: identifierKinds,
    withoutValues: true,
    // whether there is anything to erase is for the policy to say
    erasure: true,
    batch: { maxTasks: 500 },
    rate: { concurrentRequests: 1 },
    confirmation: 'never',
    timeoutMs: 1_000,
    quietAfterUnknownSeconds: 0,
  },

  parseSettings({ ownerRole, instruction }) {
    if (typeof ownerRole !== 'string') throw new SettingsError('ownerRole', 'names the role whose duty it is')
    if (typeof instruction !== 'object' || instruction === null) throw new SettingsError('instruction', 'says what has to be done')
    return { ownerRole, undoes: 'granted' in instruction }
  },

  plan: (tasks, settings) =>
    tasks.map((task): NothingToSend => ({ via: 'nothing', covers: [task.deliveryId], outcome: outcomeOf(task, settings) })),

  // nothing is ever asked
  interpret: () => ({ outcomes: [] }),
}
