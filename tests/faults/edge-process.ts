import { type ChildProcess, spawn } from 'node:child_process'
import { request } from 'undici'
import { programOf } from './program.ts'

const root = new URL('../../', import.meta.url).pathname

/** The edge in a process of its own. */
export interface EdgeChild {
  readonly url: string
  readonly operations: string
  /** What it has logged so far. */
  log(): string
  /** One-click on a link: the status, and `retry-after`; `undefined` where no answer came. */
  post(path: string): Promise<{ status: number; retryAfter: string | undefined } | undefined>
  /** A figure of /metrics, summed over its labels. */
  figure(name: string): Promise<number>
  readiness(): Promise<{ ok: boolean; degraded: boolean }>
  kill(): Promise<void>
  stop(): Promise<void>
}

/** Starts `services/edge` from environment variables alone; resolves when it listens. `prefix` is a command that runs the rest, e.g. with a disk of its own. */
export async function startEdgeChild(env: Readonly<Record<string, string>>, prefix: readonly string[] = []): Promise<EdgeChild> {
  const [program = process.execPath, ...args] = [...prefix, process.execPath, await programOf('services/edge/src/main.ts')]
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, HEED_EDGE_PORT: '0', HEED_OPERATIONS_PORT: '0', LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: prefix.length > 0,
  })
  let log = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const portOf = (server: string) => new RegExp(`"server":"${server}","port":(\\d+)`).exec(log)?.[1]
  while (portOf('edge') === undefined || portOf('operations') === undefined) {
    if (child.exitCode !== null) throw new Error(`the edge ended with ${child.exitCode}: ${log}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const url = `http://127.0.0.1:${portOf('edge')}`
  const operations = `http://127.0.0.1:${portOf('operations')}`
  return {
    url,
    operations,
    log: () => log,
    post: async (path) => {
      const answer = await request(`${url}${path}`, {
        method: 'POST',
        body: 'List-Unsubscribe=One-Click',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }).catch(() => undefined)
      if (answer === undefined) return undefined
      await answer.body.dump().catch(() => undefined)
      return { status: answer.statusCode, retryAfter: answer.headers['retry-after']?.toString() }
    },
    figure: async (name) => {
      const { body } = await request(`${operations}/metrics`)
      const lines = (await body.text()).split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    },
    readiness: async () => (await (await request(`${operations}/readyz`)).body.json()) as { ok: boolean; degraded: boolean },
    kill: () => ended(child, 'SIGKILL', prefix.length > 0),
    stop: () => ended(child, 'SIGTERM', prefix.length > 0),
  }
}

function ended(child: ChildProcess, signal: NodeJS.Signals, group: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    if (group && child.pid !== undefined) process.kill(-child.pid, signal)
    else child.kill(signal)
  })
}
