import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type Clients, connectClients } from '@heed/cli'
import type { FaultPoint, Hub, HubOptions } from '@heed/hub'
import { programOf } from './program.ts'

/** What a hub in a process of its own is told. */
export interface ChildConfig {
  readonly hub: Omit<HubOptions, 'log' | 'clock' | 'probe'>
  /** How far its clock is ahead of the machine's, ms. */
  readonly aheadMs: number
  /** The moment at which it ends itself, at which pass (of one kind of connector, where that is said), and the file that proves it. */
  readonly fault?: { readonly point: FaultPoint; readonly kind?: string | undefined; readonly pass: number; readonly proof: string }
}

/** A running hub process. */
export interface Child {
  readonly clients: Clients
  readonly addresses: Hub['addresses']
  readonly pid: number
  /** Resolves with the signal or code by which it ended. */
  readonly ended: Promise<NodeJS.Signals | number>
  settle(): Promise<void>
  /** Turns its clock forward. */
  turn(ms: number): void
  kill(): Promise<void>
  stop(): Promise<void>
}

const living = new Set<ChildProcess>()

/** Ends the hubs that a failed test has left. */
export function killTheRest(): void {
  for (const child of living) child.kill('SIGKILL')
}

const root = new URL('../../', import.meta.url).pathname

/** Starts one; resolves when all its services listen. What it logs is appended to a file. */
export async function startChild(config: ChildConfig, logFile: string): Promise<Child> {
  const child = spawn(process.execPath, [await programOf('tests/faults/hub-child.ts')], {
    cwd: root,
    env: { ...process.env, HEED_CHILD: JSON.stringify(config) },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  living.add(child)
  child.once('exit', () => living.delete(child))
  child.stderr.on('data', (chunk: Buffer) => appendFileSync(logFile, chunk))
  // what is said to a process that has just been killed is lost with it, and `ended` tells
  child.stdin.on('error', () => undefined)
  const ended = endOf(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const first = await Promise.race([
    lines.next(),
    ended.then((end) => Promise.reject(new Error(`the hub ended by ${end} before it listened: see ${logFile}`))),
  ])
  if (first.done) throw new Error(`the hub ended before it listened: see ${logFile}`)
  const { addresses, keys } = JSON.parse(first.value) as { addresses: Hub['addresses']; keys: Hub['keys'] }
  const clients = connectClients({ ...addresses, key: keys.operator, mongoUri: undefined, dbPrefix: '' })
  return {
    clients,
    addresses,
    pid: child.pid ?? 0,
    ended,
    settle: async () => {
      child.stdin.write('settle\n')
      const { value } = await lines.next()
      if (value !== 'settled') throw new Error('the hub did not settle')
    },
    turn: (ms) => {
      child.stdin.write(`turn ${ms}\n`)
    },
    kill: async () => {
      clients.close()
      child.kill('SIGKILL')
      await ended
    },
    stop: async () => {
      clients.close()
      child.kill('SIGTERM')
      await ended
    },
  }
}

function endOf(child: ChildProcess): Promise<NodeJS.Signals | number> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code ?? -1)))
}
