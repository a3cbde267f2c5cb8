import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ended } from './harness.ts'
import { cpuSecondsOf } from './processes.ts'
import type { BenchService } from './service.ts'

const root = new URL('../../', import.meta.url).pathname

/** An edge in a process of its own, as in production, in front of a preferences service. */
export interface EdgeProcess {
  readonly url: string
  /** CPU seconds that it has used so far. */
  cpuSeconds(): Promise<number>
  /** What it has done so far: how many clicks the journal has, how many wait in its spool, and in how many calls, after how many seconds for the oldest of each, they went. */
  clicks(): Promise<{ readonly journalled: number; readonly waiting: number; readonly calls: number; readonly delaySeconds: number }>
  stop(): Promise<void>
}

/** Starts `services/edge/dist/main.js` from environment variables alone, in front of the preferences service at an address. Its log goes to a file beside its spool. With `profileDir` it writes a CPU profile there when it stops. */
export async function startEdge(service: BenchService, address: string, profileDir?: string): Promise<EdgeProcess> {
  const dataDir = join(service.dataDir, `edge-${address.replaceAll(/\W/g, '-')}`)
  mkdirSync(dataDir, { recursive: true })
  const logFile = join(dataDir, 'edge.log')
  const output = openSync(logFile, 'a')
  const profile = profileDir === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileDir, '--cpu-prof-interval', '500']
  const child = spawn(process.execPath, ['--enable-source-maps', ...profile, join(root, 'services/edge/dist/main.js')], {
    env: {
      ...process.env,
      HEED_EDGE_PORT: '0',
      HEED_OPERATIONS_PORT: '0',
      HEED_PREFERENCES_ADDRESS: address,
      HEED_EDGE_CALLER_KEY: service.callerKey,
      HEED_LINK_KEYS: service.linkKeys,
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
    cpuSeconds: () => cpuSecondsOf(child.pid),
    clicks: async () => {
      const text = await (await fetch(`${operations}/metrics`)).text()
      return {
        journalled: total(text, 'heed_edge_journalled_total'),
        waiting: total(text, 'heed_edge_spooled_clicks'),
        calls: total(text, 'heed_edge_journal_delay_seconds_count'),
        delaySeconds: total(text, 'heed_edge_journal_delay_seconds_sum'),
      }
    },
    stop: () => ended(child),
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
