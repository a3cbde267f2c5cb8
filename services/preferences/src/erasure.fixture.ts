import type { ChangeId } from '@heed/domain'
import { afterEach, inject } from 'vitest'
import type { Duties } from './duties.ts'
import { byEmail, type Harness, startHarness } from './harness.ts'

/** What recipients have confirmed, as the test says. */
export const saying = (open: (changeId: ChangeId) => number | undefined): Duties => ({
  open: async (changeId) => open(changeId),
  close: () => undefined,
})

export type HarnessOptions = Partial<Parameters<typeof startHarness>[0]>

/** Starts harnesses in which every recipient has confirmed, and stops them after each test. */
export function erasureHarnesses(): (options?: HarnessOptions) => Promise<Harness> {
  const running: Harness[] = []
  afterEach(async () => {
    await Promise.all(running.splice(0).map((harness) => harness.stop()))
  })
  return async (options = {}) => {
    const stack = { mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(',') }
    const harness = await startHarness({ ...stack, withoutRelay: true, duties: saying(() => 0), erasure: { copiesMs: 0 }, ...options })
    running.push(harness)
    return harness
  }
}

/** Carries erasures on until nothing is due any more. */
export async function finish(harness: Harness): Promise<void> {
  for (let round = 0; round < 50; round += 1) {
    await harness.app.store.erasures.updateMany({ lookAt: { $exists: true } }, { $set: { lookAt: new Date(0) } })
    await harness.app.advanceErasures()
    if ((await harness.app.store.erasures.countDocuments({ lookAt: { $exists: true } })) === 0) return
  }
  throw new Error('an erasure does not end')
}

/** A request to erase whoever has the address. */
export const erase = (requestId: string, email: string, more = {}) => ({
  requestId,
  subject: byEmail(email),
  reference: `desk:${requestId}`,
  ...more,
})

/** Whether Mailchimp may be told to write to the address. */
export const mailAllowed = async (harness: Harness, email: string): Promise<boolean> =>
  (await harness.client.checkPermission({ subject: byEmail(email), recipientId: 'mailchimp' })).allowed
