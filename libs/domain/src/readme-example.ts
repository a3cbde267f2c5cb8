import { decideChange, deliveriesFor, emptySnapshot, type Policy, parsePurposeKey, type SubjectId } from './index.ts'

/** Who has to hear that this person stops the mail, and what each must then hold. */
export function stopTheMail(policy: Policy, subjectId: SubjectId, now: number) {
  const mail = parsePurposeKey('mail')
  if (mail === undefined) return []
  const decision = decideChange({
    policy,
    current: emptySnapshot(subjectId),
    requested: [{ key: mail, choice: 'denied' }],
    origin: { kind: 'one-click', caller: 'edge' },
    now,
  })
  return decision.kind === 'changed' ? deliveriesFor(policy, decision.change) : []
}
