import type { Figure } from './figure.ts'
import { type BenchHub, startBenchHub } from './harness.ts'
import { cpuSecondsOf, familyOf, hubCpu, isNode, perOne, residentKb } from './processes.ts'

const settleMs = 30_000
const windowMs = 60_000

/** CPU of the idle hub with broker, database and played vendors, as per cent of one core, and resident memory of its node processes. Linux only: it reads /proc. */
export async function measureIdle(hub: BenchHub): Promise<Figure[]> {
  // what was under way before has ended, what is cached has settled, and what runs all the time is compiled
  await new Promise((resolve) => setTimeout(resolve, settleMs))
  const pids = await familyOf(hub.pid)
  const before = await together(pids)
  const each = await hubCpu(hub.pid)
  const startedAt = performance.now()
  await new Promise((resolve) => setTimeout(resolve, windowMs))
  const used = (await together(pids)) - before
  // of each second
  const cpu = perOne(each, await hubCpu(hub.pid), windowMs / 1_000)
  let rssKb = 0
  for (const pid of pids) if (await isNode(pid)) rssKb += await residentKb(pid)
  return [
    { key: 'idle.cpu', value: (used * 100_000) / (performance.now() - startedAt), unit: '% of a core', cpu },
    { key: 'idle.rss', value: rssKb / 1024, unit: 'MB' },
  ]
}

/** From the start of the process to the first opt-out confirmed, with a warm cache and an empty data folder. */
export async function measureStart(): Promise<Figure[]> {
  const hub = await startBenchHub([])
  try {
    const deliveries = hub.mongo.useDb(`${hub.file.dbPrefix}_audit`).collection<{ heldAt?: number; recipientId: string }>('deliveries')
    for (;;) {
      const first = await deliveries
        .find({ heldAt: { $exists: true } })
        .sort({ heldAt: 1 })
        .limit(1)
        .next()
      if (first?.heldAt !== undefined) return [{ key: 'start.first-confirmed', value: (first.heldAt - hub.startedAt) / 1000, unit: 's' }]
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  } finally {
    await hub.stop()
  }
}

async function together(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(pids.map(cpuSecondsOf))
  return each.reduce((sum, seconds) => sum + (Number.isNaN(seconds) ? 0 : seconds), 0)
}
