// npm run bench [-- --only <key or its beginning>] [-- --json <file>] [-- --profile <folder>]
// Prints figures and, where there is one, the ceiling that the raw client or server reached in the same run. It judges nothing.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { type Figure, targets } from './figure.ts'
import { type BenchHub, startBenchHub } from './harness.ts'
import { measureLatency, measureSettled, measureVendorRequests } from './measure-delivery.ts'
import { measureOneClick } from './measure-edge.ts'
import { measureFanoutLatency, measureFanoutSettled, measureVendors, vendorKeys } from './measure-fanout.ts'
import { measureIdle, measureStart } from './measure-idle.ts'
import { measureInbox } from './measure-inbox.ts'
import { measureBatchCheck, measureCheck, measureSet, measureStreamed } from './measure-intake.ts'
import { measureAppend, measureAudit, measureCheckpoint, measureProof, measureVerify } from './measure-trail.ts'
import { type BenchService, startBenchService } from './service.ts'

/** Which keys each measurement gives, in the order in which they run on one hub. */
const measurements: readonly { readonly keys: readonly string[]; measure(hub: BenchHub): Promise<Figure[]> }[] = [
  { keys: ['idle.cpu', 'idle.rss'], measure: measureIdle },
  {
    keys: ['latency.confirmed.p50', 'latency.confirmed.p99', 'latency.confirmed.all.p50', 'latency.confirmed.all.p99'],
    measure: measureLatency,
  },
  { keys: ['vendor.requests.mailchimp'], measure: measureVendorRequests },
  { keys: ['deliveries.settled'], measure: measureSettled },
  { keys: ['fanout.latency.p50'], measure: measureFanoutLatency },
  { keys: vendorKeys, measure: measureVendors },
  { keys: ['fanout.settled'], measure: measureFanoutSettled },
  { keys: ['inbox.rss'], measure: measureInbox },
  { keys: ['trail.append'], measure: measureAppend },
  { keys: ['trail.checkpoint.p99'], measure: measureCheckpoint },
  { keys: ['trail.proof.p99'], measure: measureProof },
  { keys: ['trail.audit'], measure: measureAudit },
]
/** The same for what is measured on services/preferences as a process of its own. */
const alone: readonly { readonly keys: readonly string[]; measure(service: BenchService): Promise<Figure[]> }[] = [
  { keys: ['intake.streamed.existing', 'intake.streamed.new'], measure: measureStreamed },
  { keys: ['intake.unary'], measure: measureSet },
  { keys: ['check.unary'], measure: measureCheck },
  { keys: ['check.batch'], measure: measureBatchCheck },
  { keys: ['oneclick.post', 'oneclick.edge', 'oneclick.journalled'], measure: (service) => measureOneClick(service, values.profile) },
]
/** What needs nothing else that runs, and runs beside nothing. */
const bare: readonly { readonly keys: readonly string[]; measure(): Promise<Figure[]> }[] = [
  { keys: ['trail.verify'], measure: measureVerify },
  { keys: ['start.first-confirmed'], measure: measureStart },
]

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, json: { type: 'string' }, profile: { type: 'string' } },
})
const wanted = (keys: readonly string[]) =>
  values.only === undefined || keys.some((key) => values.only?.some((prefix) => key.startsWith(prefix)))
const figures: Figure[] = []
const say = (text: string) => process.stderr.write(`${text}\n`)
const failed: string[] = []
const round = (value: number | undefined) =>
  value === undefined ? '' : value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)

/** One that cannot be measured takes nothing from the others. */
const measured = async (keys: readonly string[], measure: () => Promise<Figure[]>): Promise<void> => {
  say(`measuring ${keys.join(', ')} …`)
  try {
    const found = await measure()
    figures.push(...found)
    for (const { key, value, unit } of found) say(`  ${key}: ${round(value)} ${unit}`)
  } catch (thrown) {
    failed.push(...keys)
    say(`  failed: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`)
  }
}

for (const { keys, measure } of bare) if (wanted(keys)) await measured(keys, measure)
const lone = alone.filter(({ keys }) => wanted(keys))
if (lone.length > 0) {
  say('starting services/preferences …')
  const service = await startBenchService(values.profile)
  try {
    for (const { keys, measure } of lone) await measured(keys, () => measure(service))
  } finally {
    await service.stop()
  }
}
const chosen = measurements.filter(({ keys }) => wanted(keys))
if (chosen.length > 0) {
  say('starting a hub …')
  const hub = await startBenchHub()
  try {
    for (const { keys, measure } of chosen) await measured(keys, () => measure(hub))
  } finally {
    await hub.stop()
  }
}

const table = new Table({
  head: ['key', 'figure', 'unit', 'ceiling', 'ratio', 'at least', 'reach for'],
  style: { head: ['bold'], compact: true },
})
for (const { key, value, unit, ceiling, ratio } of figures) {
  table.push([
    key,
    round(value),
    unit,
    round(ceiling),
    ratio === undefined ? '' : ratio.toFixed(2),
    targets[key]?.atLeast ?? '',
    targets[key]?.reachFor ?? '',
  ])
}
process.stdout.write(`${table.toString()}\n`)
for (const { key, cpu } of figures) if (cpu !== undefined) process.stdout.write(`${key}: microseconds of CPU for one: ${cpu}\n`)
if (values.json !== undefined) {
  writeFileSync(
    values.json,
    `${JSON.stringify(
      figures.map(({ key, value, unit, ceiling, ratio }) => ({ key, value, unit, ceiling: ceiling ?? null, ratio: ratio ?? null })),
      null,
      2,
    )}\n`,
  )
}
if (failed.length > 0) {
  say(`not measured: ${failed.join(', ')}`)
  process.exitCode = 1
}
