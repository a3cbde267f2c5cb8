import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { entryOf, leafOf } from './entry.ts'
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

  it('has a leaf that is pinned: another encoding would be another tree', () => {
    const leaf = leafOf(entryOf(resolved(duty, exampleTime), exampleTime))
    expect(leaf).toBe(
      `{"at":${exampleTime},"entryId":"resolved/mailchimp/${duty.subjectId}/3@${exampleTime}","facts":{"at":${exampleTime},"by":"privacy-officer",` +
        `"deliveryId":"mailchimp/${duty.subjectId}/3","recipientId":"mailchimp","subjectId":"${duty.subjectId}","version":3,"why":"removed by hand"},` +
        `"kind":"delivery-resolved","recipientId":"mailchimp","subjectId":"${duty.subjectId}","version":3}`,
    )
    expect(
      createHash('sha256')
        .update(leafOf(entryOf(accepted(duty.subjectId, 3), 1)))
        .digest('hex'),
    ).toMatchInlineSnapshot(`"e5c45cb798f9d7b1a3239abb090162ee76efcd883c98f1b8fcafefb80541d717"`)
  })

  it('has a leaf that does not say where it stands', () => {
    expect(leafOf(entryOf(requested(duty), 5))).not.toContain('sequence')
  })
})
