import { readdir, readFile } from 'node:fs/promises'
import type { Figure } from './figure.ts'
import { type BenchHub, startBenchHub } from './harness.ts'

const windowMs = 30_000

/** CPU of the idle hub with broker, database and played vendors, as per cent of one core, and resident memory of its node processes. Linux only: it reads /proc. */
export async function measureIdle(hub: BenchHub): Promise<Figure[]> {
  // what was under way before has ended, and what is cached has settled
  await new Promise((resolve) => setTimeout(resolve, 10_000))
  const pids = await familyOf(hub.pid)
  const before = await cpuSeconds(pids)
  const startedAt = performance.now()
  await new Promise((resolve) => setTimeout(resolve, windowMs))
  const used = (await cpuSeconds(pids)) - before
  let rssKb = 0
  for (const pid of pids) if (await isNode(pid)) rssKb += await residentKb(pid)
  return [
    { key: 'idle.cpu', value: (used * 100_000) / (performance.now() - startedAt), unit: '% of a core' },
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

async function isNode(pid: number): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return command.split('\0')[0] === process.execPath
}

async function residentKb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0)
}

/** The process and all below it. */
async function familyOf(root: number): Promise<number[]> {
  const parents = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
  }
  const family = [root]
  for (let grown = true; grown; ) {
    grown = false
    for (const [pid, parent] of parents) {
      if (family.includes(parent) && !family.includes(pid)) {
        family.push(pid)
        grown = true
      }
    }
  }
  return family
}

/** User and system time of the processes, with that of their ended children, in seconds (100 ticks each, the kernel's constant for user space). */
async function cpuSeconds(pids: readonly number[]): Promise<number> {
  let ticks = 0
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  }
  return ticks / 100
}
