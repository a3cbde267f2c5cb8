import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { anOptOut, byEmail, type Harness, startHarness } from './harness.ts'

let harness: Harness
const stack = () => ({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(',') })

beforeAll(async () => {
  harness = await startHarness(stack())
})
afterAll(() => harness.stop())

describe('SetPreferences', () => {
  it('journals a first choice as version 1 and says so', async () => {
    const answer = await harness.client.setPreferences(anOptOut('r-1', 'ada@example.org'))
    expect(answer).toMatchObject({ version: 1, changed: true, changeId: `${answer.subjectId}/1` })
    expect(await harness.client.getPreferences({ subject: byEmail('ADA@example.org') })).toMatchObject({
      subjectId: answer.subjectId,
      version: 1,
      identifierKinds: ['IDENTIFIER_KIND_EMAIL'],
    })
    await harness.app.relay.settle()
    expect(await harness.app.store.changes.countDocuments({ publishedAt: null })).toBe(0)
  })
})
