import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { LocalStackOptions } from './local-stack.ts'

/** What the program of `start-stack.fixture.ts` says once its stack serves. */
export interface Started {
  kafka?: { brokers: string[]; pid: number }
  mongodb?: { uri: string; pid: number }
}

/** A process of its own that holds a stack. */
export interface StackProcess {
  child: ChildProcess
  /** The lines that it logged so far. */
  lines: string[]
  /** Resolves when the stack serves, rejects with the message when it could not start or the process was killed. */
  started: Promise<Started>
  /** Lets it stop its stack and end. */
  stop(): Promise<void>
}

/** Runs `startLocalStack` in another process. */
export function stackProcess(options: LocalStackOptions): StackProcess {
  const program = fileURLToPath(new URL('./start-stack.fixture.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', program, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines: string[] = []
  const exited = once(child, 'exit')
  const started = new Promise<Started>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as Started & { log?: string; started?: true; failed?: string }
      if (event.log !== undefined) lines.push(event.log)
      if (event.started) resolve(event)
      if (event.failed !== undefined) reject(new Error(event.failed))
    })
    void exited.then(() => reject(new Error('the process is gone')))
  })
  // Some tests kill it before they look.
  started.catch(() => undefined)
  return {
    child,
    lines,
    started,
    async stop() {
      child.stdin.end()
      await exited
    },
  }
}

/** Waits until the condition holds; fails after `timeoutMs`. */
export async function eventually(condition: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
  const until = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`not so within ${timeoutMs} ms: ${condition}`)
    await sleep(25)
  }
}
