import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCodeOf } from './errors.ts'

/** A process of this machine. The start mark tells it from a later process that was given the same id. */
export interface ProcessRef {
  pid: number
  /** Opaque; equal for one process through its life, also across `exec`. */
  startMark: string
}

/** The start mark of a live process, or `undefined` when no such process lives (a zombie counts as gone). */
export function startMarkOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      return startMarkFromStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    } catch {
      return undefined
    }
  }
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    const [state = '', ...started] = line.split(/\s+/)
    return line === '' || state.startsWith('Z') ? undefined : started.join(' ')
  } catch {
    return undefined
  }
}

/** Reads a line of `/proc/<pid>/stat` (proc(5)): the command may hold spaces and brackets, so fields are counted after the last bracket. */
export function startMarkFromStat(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state] = fields
  return state === undefined || state === 'Z' || state === 'X' ? undefined : fields[19]
}

/** A reference to a process that is alive now, or `undefined`. */
export function processRef(pid: number): ProcessRef | undefined {
  const startMark = startMarkOf(pid)
  return startMark === undefined ? undefined : { pid, startMark }
}

/** This process. */
export function thisProcess(): ProcessRef {
  return { pid: process.pid, startMark: startMarkOf(process.pid) ?? '' }
}

/** Whether that very process, not only that id, is alive. */
export function isAlive(ref: ProcessRef): boolean {
  return startMarkOf(ref.pid) === ref.startMark
}

/** Sends a signal to exactly that process; `false` when it is gone. */
export function signalProcess(ref: ProcessRef, signal: NodeJS.Signals): boolean {
  if (!isAlive(ref)) return false
  try {
    return process.kill(ref.pid, signal)
  } catch (problem) {
    if (systemCodeOf(problem) === 'ESRCH') return false
    throw problem
  }
}

/** Waits until the process is gone; `false` when it is still there after `timeoutMs`. */
export async function waitUntilGone(ref: ProcessRef, timeoutMs: number): Promise<boolean> {
  const until = performance.now() + timeoutMs
  while (isAlive(ref)) {
    if (performance.now() > until) return false
    await sleep(50)
  }
  return true
}

/** Ends a process that is not our child: SIGTERM, then SIGKILL after `graceMs`. Resolves when it is gone. */
export async function terminate(ref: ProcessRef, graceMs: number): Promise<void> {
  if (!signalProcess(ref, 'SIGTERM')) return
  if (await waitUntilGone(ref, graceMs)) return
  signalProcess(ref, 'SIGKILL')
  await waitUntilGone(ref, 10_000)
}
