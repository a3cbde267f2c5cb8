import { randomBytes } from 'node:crypto'
import { StartError } from '@heed/platform/lifecycle'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { anOptOut, freshKeys, type Harness, startHarness } from './harness.ts'

const stack = () => ({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(',') })
let running: Harness[] = []
afterEach(async () => {
  await Promise.all(running.map((harness) => harness.stop()))
  running = []
})
const start = async (options: Partial<Parameters<typeof startHarness>[0]>): Promise<Harness> => {
  const harness = await startHarness({ ...stack(), ...options })
  running.push(harness)
  return harness
}
const kek = (id: string) => ({ id, secret: randomBytes(32) })

describe('keys that do not belong to the data', () => {
  it.each([
    ['another key-encryption key of the same id', () => ({ keks: [kek('k1')] }), /HEED_KEK \(k1\) is another key/],
    ['a list that lacks the key in use', () => ({ keks: [kek('k2')] }), /HEED_KEK lacks the key k1/],
    ['another look-up key', () => ({ lookup: randomBytes(32) }), /HEED_LOOKUP_KEY is another key/],
  ])('%s: the service does not start and says which', async (_, change, reason) => {
    const keys = freshKeys()
    const first = await start({ keys, withoutRelay: true })
    await first.client.setPreferences(anOptOut('k-1', 'key@example.org'))
    const attempt = start({ prefix: first.prefix, withoutRelay: true, keys: { ...keys, ...change() } })
    await expect(attempt).rejects.toThrow(StartError)
    await expect(attempt).rejects.toThrow(reason)
  })
})

describe('a rotation', () => {
  it('wraps new subjects by the newest key at once and the others bit by bit; then the old key may go', async () => {
    const keys = freshKeys()
    const first = await start({ keys, withoutRelay: true })
    const { subjectId } = await first.client.setPreferences(anOptOut('k-1', 'old@example.org'))
    await first.stop()
    const newest = kek('k2')
    const second = await start({ prefix: first.prefix, keys: { ...keys, keks: [newest, ...keys.keks] } })
    const fresh = await second.client.setPreferences(anOptOut('k-2', 'new@example.org'))
    expect(await second.app.store.subjects.findOne({ _id: fresh.subjectId as never })).toMatchObject({ dataKey: { kek: 'k2' } })
    await second.app.relay.settle()
    expect(await second.app.store.subjects.countDocuments({ 'dataKey.kek': 'k1' })).toBe(0)
    expect(await second.app.store.keyChecks.findOne({ _id: 'kek:k1' })).toMatchObject({ retiredAt: expect.any(Date) })
    await second.stop()
    const third = await start({ prefix: first.prefix, keys: { ...keys, keks: [newest] }, withoutRelay: true })
    const { subjects } = await third.identifiers.resolveIdentifiers({ recipientId: 'mailchimp', items: [{ subjectId }] })
    expect(subjects[0]?.identifiers[0]?.value).toBe('old@example.org')
  })
})
