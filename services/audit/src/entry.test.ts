import { entryOf } from '@heed/trail'
import { describe, expect, it } from 'vitest'
import { accepted, attempted, type Duty, exampleTime, paused, recipient, requested, resolved, subject } from './testing/events.ts'

const duty: Duty = { recipientId: recipient('mailchimp'), subjectId: subject(1), version: 3 }

describe('an entry', () => {
  it('is named by what happened, so that the same event told twice is the same entry', () => {
    const ids = [
      accepted(duty.subjectId, 3),
      requested(duty),
      requested(duty, exampleTime),
      attempted(duty, { kind: 'confirmed' }),
      attempted(duty, { kind: 'confirmed' }, { step: 2 }),
      resolved(duty, exampleTime),
      paused(duty.recipientId, true, exampleTime),
      paused(duty.recipientId, false, exampleTime),
    ].map((event) => entryOf(event, 1).entryId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(entryOf(requested(duty), 1).entryId).toBe(entryOf(requested(duty), 2).entryId)
  })

  it('names nobody by its id', () => {
    expect(entryOf(resolved(duty, exampleTime), 1).entryId).toMatch(/^[A-Za-z0-9_-]{32}$/)
  })
})
