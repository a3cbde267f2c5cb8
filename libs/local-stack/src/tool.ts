import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { holdLifeline, withLifeline } from './child.ts'

/** The absolute path of a program on the PATH, or `undefined`. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue
    const path = join(folder, name)
    if (isRunnable(path)) return path
  }
  return undefined
}

/** Whether the path is a file that may be executed. */
export function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** What a program that ran to its end said. */
export interface ToolResult {
  code: number
  /** Standard output and error, merged by line. */
  lines: string[]
}

/**
 * Runs a program to its end; it is ended with this process, and with SIGTERM when `signal` fires. Times out with SIGKILL and code 124.
 * Never rejects.
 */
export function runTool(
  command: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; timeoutMs: number; signal?: AbortSignal; onLine?: (line: string) => void },
): Promise<ToolResult> {
  return new Promise((resolve) => {
    const lines: string[] = []
    let timedOut = false
    const child = spawn('/bin/sh', ['-c', withLifeline, 'heed-stack', command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
      env: options.env,
    })
    const farewell = holdLifeline(child)
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, options.timeoutMs)
    const abort = () => child.kill('SIGTERM')
    options.signal?.addEventListener('abort', abort, { once: true })
    if (options.signal?.aborted) abort()
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        options.onLine?.(line)
      })
    }
    const settle = (code: number) => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', abort)
      resolve({ code: timedOut ? 124 : code, lines })
    }
    // The watchdog closes its copies of the output at once, so the streams end with the program itself.
    child.once('exit', farewell)
    child.once('close', (code) => settle(code ?? 1))
    child.once('error', () => settle(127))
  })
}
