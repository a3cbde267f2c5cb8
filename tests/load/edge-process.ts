import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchHub } from './harness.ts'

const root = new URL('../../', import.meta.url).pathname

/** An edge in a process of its own, as in production, in front of the preferences service of a hub. */
export interface EdgeProcess {
  readonly url: string
  /** How many clicks it took, how many of them the journal has, and how many wait in its spool. */
  clicks(): Promise<{ readonly taken: number; readonly journalled: number; readonly waiting: number }>
  stop(): Promise<void>
}

/** Starts `services/edge/dist/main.js` from environment variables alone; `nodeArgs` go to node, e.g. `--cpu-prof`. Its log goes to a file beside its spool. */
export async function startEdge(hub: BenchHub, nodeArgs: readonly string[] = []): Promise<EdgeProcess> {
  const dataDir = join(hub.dataDir, 'edge-alone')
  mkdirSync(dataDir, { recursive: true })
  const logFile = join(dataDir, 'edge.log')
  const output = openSync(logFile, 'a')
  const { HEED_LINK_KEYS } = json<{ HEED_LINK_KEYS: string }>(join(hub.dataDir, 'keys.json'))
  const { edge: HEED_EDGE_CALLER_KEY } = json<{ edge: string }>(join(hub.dataDir, 'callers.json'))
  const child = spawn(process.execPath, [...nodeArgs, join(root, 'services/edge/dist/main.js')], {
    env: {
      ...process.env,
      HEED_EDGE_PORT: '0',
      HEED_OPERATIONS_PORT: '0',
      HEED_PREFERENCES_ADDRESS: hub.file.grpc.preferences,
      HEED_EDGE_CALLER_KEY,
      HEED_LINK_KEYS,
      HEED_DATA_DIR: dataDir,
      LOG_LEVEL: 'info',
    },
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  const url = `http://127.0.0.1:${await portOf(child, logFile, 'edge')}`
  const operations = `http://127.0.0.1:${await portOf(child, logFile, 'operations')}`
  return {
    url,
    clicks: async () => {
      const text = await (await fetch(`${operations}/metrics`)).text()
      return {
        taken: total(text, 'heed_edge_clicks_total'),
        journalled: total(text, 'heed_edge_journalled_total'),
        waiting: total(text, 'heed_edge_spooled_clicks'),
      }
    },
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve()
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}

/** The port that a part of the process said it listens on. */
async function portOf(child: ChildProcess, logFile: string, server: string): Promise<number> {
  for (;;) {
    for (const line of readFileSync(logFile, 'utf8').split('\n')) {
      if (!line.includes('"http.listening"')) continue
      const listening = JSON.parse(line) as { server: string; port: number }
      if (listening.server === server) return listening.port
    }
    if (child.exitCode !== null) throw new Error(`the edge ended: ${readFileSync(logFile, 'utf8')}`)
    await sleep(20)
  }
}

/** The sum over all labels of one figure in the text format of Prometheus. */
function total(text: string, name: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

function json<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T
}
