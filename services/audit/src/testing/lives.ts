import type { TrailEvent } from '@heed/contracts'
import { accepted, attempted, type Duty, recipient, requested, subject } from './events.ts'

/** What happens in the crash tests: some dozens of entries at a time, so that the log has many steps to make. */
export function crashLives(): TrailEvent[][] {
  return Array.from({ length: 60 }, (_, group) =>
    Array.from({ length: 10 }, (_, index) =>
      lifeOf({ recipientId: recipient('mailchimp'), subjectId: subject(group * 10 + index), version: 1 }),
    ).flat(),
  )
}

/** One duty from its change to the vendor's word. */
export function lifeOf(duty: Duty): TrailEvent[] {
  return [accepted(duty.subjectId, duty.version), requested(duty), attempted(duty, { kind: 'accepted', final: false, receipt: 'job' })]
}
