// A hub in a process of its own for fault tests. It is told everything by HEED_CHILD (JSON), prints its addresses as one line of JSON, answers `settle` on its
// standard input with `settled`, turns its clock by `turn <ms>`, and ends itself by SIGKILL at the moment that it is told.
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type FaultProbe, type HubOptions, startHub } from '@heed/hub'
import { createLogger } from '@heed/platform/log'
import { TurnedClock } from '@heed/testkit'
import type { ChildConfig } from './child.ts'

const text = process.env.HEED_CHILD
if (text === undefined) throw new Error('HEED_CHILD is not set')
const config = JSON.parse(text) as ChildConfig
const { fault } = config
let passes = 0
const probe: FaultProbe = (point, kind) => {
  if (fault === undefined || point !== fault.point || (fault.kind !== undefined && fault.kind !== kind)) return
  passes += 1
  if (passes < fault.pass) return
  // the proof that the fault fired, on the disk before it does
  writeFileSync(fault.proof, point, { flush: true })
  process.kill(process.pid, 'SIGKILL')
  return new Promise<void>(() => undefined)
}
const clock = new TurnedClock()
clock.turn(config.aheadMs)
const options: HubOptions = {
  ...config.hub,
  log: createLogger('hub', { level: 'info', destination: { write: (line) => process.stderr.write(line) } }),
  clock,
  ...(fault === undefined ? {} : { probe }),
}
const hub = await startHub(options)
process.stdout.write(`${JSON.stringify({ addresses: hub.addresses, keys: hub.keys })}\n`)
createInterface({ input: process.stdin }).on('line', (line) => {
  const [command, argument] = line.split(' ')
  if (command === 'turn') clock.turn(Number(argument))
  if (command === 'settle') {
    hub.settle().then(
      () => process.stdout.write('settled\n'),
      (error: unknown) => process.stderr.write(`${String(error)}\n`),
    )
  }
})
process.on('SIGTERM', () => {
  hub.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  )
})
