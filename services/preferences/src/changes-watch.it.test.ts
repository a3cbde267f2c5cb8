import { status } from '@heed/platform/grpc'
import { afterEach, expect, inject, it } from 'vitest'
import { anOptOut, type Harness, startHarness } from './harness.ts'

const stack = () => ({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(',') })

let running: Harness[] = []
afterEach(async () => {
  await Promise.all(running.map((harness) => harness.stop()))
  running = []
})
const start = async (options: Partial<Parameters<typeof startHarness>[0]> = {}): Promise<Harness> => {
  const harness = await startHarness({ ...stack(), ...options })
  running.push(harness)
  return harness
}

const opened = (harness: Harness, request: Parameters<Harness['client']['watchChanges']>[0]) =>
  harness.client.watchChanges(request)[Symbol.asyncIterator]()

type Watching = ReturnType<typeof opened>

async function take(watching: Watching, count: number) {
  const taken = []
  while (taken.length < count) {
    const next = await watching.next()
    if (next.done) break
    taken.push(next.value)
  }
  return taken
}

async function optOuts(harness: Harness, from: number, to: number): Promise<string[]> {
  const made: string[] = []
  for (let n = from; n < to; n += 1) made.push((await harness.client.setPreferences(anOptOut(`w-${n}`, `w-${n}@example.org`))).changeId)
  return made
}

it('gives every change from the start, then each as it comes', async () => {
  const harness = await start()
  const before = await optOuts(harness, 0, 5)
  const watching = opened(harness, { fromStart: true })
  expect((await take(watching, 5)).map(({ changeId }) => changeId).sort()).toEqual(before.toSorted())
  const [now = ''] = await optOuts(harness, 5, 6)
  expect(await take(watching, 1)).toMatchObject([
    { changeId: now, version: 1, changed: ['email-marketing'], choices: [{ purpose: 'email-marketing', choice: 'CHOICE_DENIED' }] },
  ])
  await watching.return?.(undefined)
})

it('goes on without gap after a restart of the service, from the token of any change', async () => {
  const first = await start()
  const made = await optOuts(first, 0, 30)
  const watching = opened(first, { fromStart: true })
  const seen = await take(watching, 17)
  const token = seen.at(-1)?.resumeToken ?? ''
  await first.stop()
  const second = await start({ prefix: first.prefix, keys: first.keys })
  made.push(...(await optOuts(second, 30, 40)))
  const resumed = await take(opened(second, { resumeToken: token }), 23)
  expect([...seen, ...resumed].map(({ changeId }) => changeId).sort()).toEqual(made.toSorted())
})

it('ends with UNAVAILABLE where the service stops, so that its reader goes elsewhere with its token', async () => {
  const harness = await start()
  const watching = opened(harness, {})
  const next = watching.next()
  next.catch(() => undefined)
  // until the call has arrived: a change made afterwards comes through it
  await optOuts(harness, 0, 1)
  const stopped = harness.stop()
  await expect(next.then(() => watching.next())).rejects.toMatchObject({
    code: expect.toSatisfy((code) => [status.UNAVAILABLE, status.CANCELLED].includes(code)),
  })
  await stopped
})

it('sees what another process publishes', async () => {
  const leader = await start()
  await leader.app.relay.settle()
  const follower = await start({ prefix: leader.prefix, keys: leader.keys })
  const watching = opened(follower, { fromStart: true })
  const made = await optOuts(leader, 0, 3)
  expect((await take(watching, 3)).map(({ changeId }) => changeId).sort()).toEqual(made.toSorted())
  await watching.return?.(undefined)
})

it.each([
  ['nonsense', 'nonsense'],
  ['a place that this journal has not come to', Buffer.from('v1.99.0').toString('base64url')],
])('refuses %s as a token', async (_, resumeToken) => {
  const harness = await start()
  await expect(opened(harness, { resumeToken }).next()).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    reason: 'UNKNOWN_RESUME_TOKEN',
    violations: [{ field: 'resume_token' }],
  })
})
