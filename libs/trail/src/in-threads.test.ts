import { EMPTY_EDGE } from '@heed/merkle-log'
import { expect, it } from 'vitest'
import { inThreads } from './in-threads.ts'

const database = { uri: 'mongodb://127.0.0.1:1', databasePrefix: 'none' }
const log = { trust: { origin: 'example.org/log', logKeys: [] }, kept: [], edge: EMPTY_EDGE, rowsAtOnce: 256, maxListed: 10 }
const program = (text: string) => new URL(`data:text/javascript,${encodeURIComponent(text)}`)
const run = (text: string, reached: (at: unknown) => Promise<void> = async () => undefined, signal = new AbortController().signal) =>
  inThreads(database, program(text)).log(log, reached, signal)

it('does not pass for whole where its thread ends in the middle', async () => {
  await expect(run('process.exit(3)')).rejects.toThrow('the thread of the log half ended with 3')
  await expect(run('throw new Error("no disk")')).rejects.toThrow('no disk')
})

it('tells of every step before it resolves, one after the other', async () => {
  const steps: unknown[] = []
  await run(`import { parentPort } from 'node:worker_threads'; parentPort.postMessage(1); parentPort.postMessage(2)`, async (at) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    steps.push(at)
  })
  expect(steps).toEqual([1, 2])
})

it('ends where it is told to, and where a step cannot be taken', async () => {
  const stopped = new AbortController()
  const endless = `import { parentPort } from 'node:worker_threads'; setInterval(() => parentPort.postMessage(1), 5)`
  await expect(run(endless, async () => stopped.abort(new Error('enough')), stopped.signal)).rejects.toThrow('enough')
  await expect(run(endless, () => Promise.reject(new Error('no room')))).rejects.toThrow('no room')
})
