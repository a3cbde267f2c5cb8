import type { Snapshot } from '@heed/domain'
import { describe, expect, it } from 'vitest'
import { rowOf } from './journal.ts'
import { recordOf } from './relay-changes.ts'

const subjectId = `s-${'0'.repeat(26)}` as Snapshot['subjectId']
const row = (reference?: string) =>
  rowOf(
    {
      id: `${subjectId}/3` as never,
      snapshot: { subjectId, version: 3, choices: {} },
      cause: 'choice',
      changed: [],
      linked: [],
      origin: { kind: 'person', caller: 'a-caller', ...(reference === undefined ? {} : { reference }) },
      policyVersion: '1.0',
      acceptedAt: 1_700_000_000_000,
    },
    { absorbs: [subjectId], closing: subjectId, rowId: 'a-caller:r-1', body: 'hash' },
  )

describe('the record of a change', () => {
  it('has the subject as its key, the change id as its id, and nothing of the row’s own bookkeeping', () => {
    const record = recordOf(row(), 'a-topic')
    expect(record).toMatchObject({
      topic: 'a-topic',
      key: subjectId,
      headers: { ce_id: `${subjectId}/3`, ce_time: '2023-11-14T22:13:20.000Z' },
    })
    expect(Object.keys(JSON.parse(String(record.value))).sort()).toEqual(
      ['acceptedAt', 'cause', 'changeId', 'changed', 'choices', 'linked', 'origin', 'policyVersion', 'subjectId', 'version'].sort(),
    )
  })

  it('is none where a reader could not take it', () => {
    expect(() => recordOf(row('a sentence about Ada'), 'a-topic')).toThrow(/origin.reference/)
  })
})
