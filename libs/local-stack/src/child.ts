import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { Socket } from 'node:net'
import { dirname } from 'node:path'
import { firstLineOf } from './errors.ts'
import { isAlive, type ProcessRef, processRef, signalProcess, terminate, waitUntilGone } from './host-process.ts'

/** How a child ended. */
export interface ChildExit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A server process, ours or one that stands on its own. */
export interface RunningChild {
  readonly ref: ProcessRef
  /** Resolves once, when the process is gone. Never rejects. */
  readonly exited: Promise<ChildExit>
  readonly hasExited: boolean
  kill(signal: NodeJS.Signals): void
  /** SIGTERM, then SIGKILL after `graceMs`. Resolves when the process is gone. */
  stop(graceMs: number): Promise<void>
}

/** What to run. */
export interface ChildCommand {
  command: string
  args: readonly string[]
  /** Standard output and error go here; rotated when large. */
  logFile: string
  env?: NodeJS.ProcessEnv
  /** `true`: the child outlives this process. `false`: it is stopped when this process ends, however it ends. */
  standing: boolean
}

/**
 * A shell line that becomes the program given to it as arguments, after leaving a watchdog behind: a second shell that sleeps in `read`
 * on our pipe, file descriptor 3. When this process ends, however it ends, the kernel closes the pipe, `read` fails, and the watchdog ends the program:
 * SIGTERM first, SIGKILL after 5 s. A line on the pipe sends the watchdog home. It costs one sleeping shell (about 1 MB) and no CPU time.
 */
export const withLifeline = `
(
  exec </dev/null >/dev/null 2>&1
  if read -r word <&3; then exit 0; fi
  kill -TERM $$
  for second in 1 2 3 4 5; do sleep 1; kill -0 $$ || exit 0; done
  kill -KILL $$
) &
exec 3<&-
exec "$@"
`
const standingAlone = 'exec "$@"'
const rotateAtBytes = 4 * 1024 * 1024

/** Starts a server in a session of its own, so that a terminal's Ctrl-C reaches this process only and the server stays until it is stopped. */
export async function startChild(options: ChildCommand): Promise<RunningChild> {
  mkdirSync(dirname(options.logFile), { recursive: true })
  rotate(options.logFile)
  const logFd = openSync(options.logFile, 'a', 0o600)
  let child: ChildProcess
  try {
    child = spawn('/bin/sh', ['-c', options.standing ? standingAlone : withLifeline, 'heed-stack', options.command, ...options.args], {
      stdio: options.standing ? ['ignore', logFd, logFd] : ['ignore', logFd, logFd, 'pipe'],
      detached: true,
      env: options.env ?? process.env,
    })
  } finally {
    closeSync(logFd)
  }
  const farewell = holdLifeline(child)
  let exit: ChildExit | undefined
  const exited = new Promise<ChildExit>((resolve) => {
    const settle = (code: number | null, signal: NodeJS.Signals | null) => {
      exit ??= { code, signal }
      farewell()
      resolve(exit)
    }
    child.once('exit', settle)
    child.once('error', () => settle(127, null))
  })
  const pid = child.pid
  if (pid === undefined) {
    await exited
    throw new Error(`cannot run ${options.command}`)
  }
  // A child that is gone already has no start mark; `exited` then tells the rest.
  const ref = processRef(pid) ?? { pid, startMark: '' }
  if (options.standing) child.unref()
  return {
    ref,
    exited,
    get hasExited() {
      return exit !== undefined
    },
    kill(signal) {
      if (exit === undefined) child.kill(signal)
    },
    async stop(graceMs) {
      if (exit !== undefined) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await exited
      clearTimeout(timer)
    },
  }
}

/** Minds our end of the pipe of `withLifeline`. The function returned is to be called when the program is gone: it sends the watchdog home. */
export function holdLifeline(child: ChildProcess): () => void {
  const pipe = child.stdio[3]
  if (!(pipe instanceof Socket)) return () => undefined
  // A watchdog that is gone already cannot be told, and need not be.
  pipe.on('error', () => undefined)
  // Read to the end, so that the child's `close` event, which waits for every pipe, comes.
  pipe.resume()
  return () => pipe.end('gone\n')
}

/** A server that another process started and that stands on its own. `exited` is found by looking twice a second. */
export function adoptChild(ref: ProcessRef): RunningChild {
  let gone = false
  const exited = new Promise<ChildExit>((resolve) => {
    const look = setInterval(() => {
      if (isAlive(ref)) return
      clearInterval(look)
      gone = true
      resolve({ code: null, signal: null })
    }, 500)
    look.unref()
  })
  return {
    ref,
    exited,
    get hasExited() {
      return gone || !isAlive(ref)
    },
    kill(signal) {
      signalProcess(ref, signal)
    },
    async stop(graceMs) {
      await terminate(ref, graceMs)
      await waitUntilGone(ref, 1000)
    },
  }
}

/** The last lines of a log, for an error's detail; empty when it cannot be read. */
export function logTail(logFile: string, lines = 15): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch (problem) {
    return `(${firstLineOf(problem)})`
  }
}

function rotate(logFile: string): void {
  try {
    if (statSync(logFile).size > rotateAtBytes) renameSync(logFile, `${logFile}.1`)
  } catch {
    // There is no log yet.
  }
}
