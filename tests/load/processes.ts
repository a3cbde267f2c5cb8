// What the kernel says of processes. Linux only: it reads /proc.
import { readdir, readFile } from 'node:fs/promises'

/** Whether a process is this Node. */
export async function isNode(pid: number): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return command.split('\0')[0] === process.execPath
}

/** Resident memory in kB; 0 where it cannot be known. */
export async function residentKb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0)
}

/** The process and all below it. */
export async function familyOf(root: number): Promise<number[]> {
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

/** User and system time of a process in seconds (100 ticks each, the kernel's constant for user space); NaN where it cannot be known. */
export async function cpuSecondsOf(pid: number | undefined): Promise<number> {
  const stat = pid === undefined ? '' : await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  if (stat === '') return Number.NaN
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** CPU seconds that a hub has used so far, by part. */
export type HubCpu = Readonly<Record<'hub' | 'vendors' | 'database' | 'broker', number>>

/** CPU seconds of a hub's process and of those below it. */
export async function hubCpu(pid: number): Promise<HubCpu> {
  const used = { hub: 0, vendors: 0, database: 0, broker: 0 }
  for (const one of await familyOf(pid)) {
    const command = (await readFile(`/proc/${one}/cmdline`, 'utf8').catch(() => '')).split('\0')[0] ?? ''
    const part = one === pid ? 'hub' : command === process.execPath ? 'vendors' : command.endsWith('mongod') ? 'database' : 'broker'
    const seconds = await cpuSecondsOf(one)
    if (!Number.isNaN(seconds)) used[part] += seconds
  }
  return used
}

/** Microseconds of CPU for one, by part. */
export function perOne(before: HubCpu, after: HubCpu, count: number): string {
  const part = (name: keyof HubCpu) => `${name} ${Math.round(((after[name] - before[name]) * 1e6) / count)}`
  return [part('hub'), part('vendors'), part('database'), part('broker')].join(', ')
}
