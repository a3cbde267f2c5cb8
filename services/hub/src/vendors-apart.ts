import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { HeedError } from '@heed/platform/errors'
import type { Connections, SandboxOptions } from '@heed/sandbox'

/** The vendors, played by a process of their own. */
export interface VendorsApart {
  readonly url: string
  readonly connections: Connections
  /** Rejects when that process ends without having been asked to. */
  readonly failed: Promise<never>
  /** Resolves when it has ended. */
  stop(): Promise<void>
}

interface Started {
  readonly url: string
  readonly connections: Connections
}

const stopLimitMs = 4_000

/**
 * Plays the vendors beside this process: what they do costs this one no time. That process ends with this one, however this one ends: it sees the channel close.
 * @throws HeedError where it ends before it has started.
 */
export async function startVendorsApart(options: SandboxOptions): Promise<VendorsApart> {
  // built: services/hub/dist/main.js beside services/sandbox/dist/main.js
  const built = import.meta.url.endsWith('.js')
  const program = fileURLToPath(new URL(built ? '../../sandbox/dist/main.js' : '../../sandbox/src/main.ts', import.meta.url))
  const child = spawn(process.execPath, [...(built ? [] : ['--import', 'tsx']), program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // in a session of its own: a Ctrl-C reaches the hub, which drains while the vendors still answer
    detached: true,
  })
  let stopping = false
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const failed = exited.then((): Promise<never> => {
    if (stopping) return new Promise(() => undefined)
    throw new HeedError('hub.vendors-ended', 'the process that plays the vendors has ended')
  })
  failed.catch(() => undefined)
  const told = new Promise<Started>((resolve) => child.once('message', (message) => resolve(message as Started)))
  child.send(options)
  const { url, connections } = await Promise.race([told, failed])
  return {
    url,
    connections,
    failed,
    stop: async () => {
      stopping = true
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
      await exited
      clearTimeout(timer)
    },
  }
}
