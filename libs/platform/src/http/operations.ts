import type { CheckResult } from '../lifecycle/index.ts'
import type { Logger } from '../log/index.ts'
import type { Metrics } from '../metrics/index.ts'
import { createApp } from './app.ts'
import { type HttpServer, httpServer } from './server.ts'

export interface OperationsOptions {
  port: number
  host?: string
  metrics: Metrics
  /** What the service needs to do its work. A throw counts as not ready. */
  readiness(): Promise<readonly CheckResult[]>
  log: Logger
  name?: string
}

/**
 * For the machinery around a service: `/healthz` (the process answers), `/readyz` (it can do its work; 503 with what is missing; `degraded` where it can and somebody should look)
 * and `/metrics`. It has no authentication and belongs on an inner port.
 */
export function operationsServer(options: OperationsOptions): HttpServer {
  const { port, metrics, readiness, log, name = 'operations' } = options
  const app = createApp(log, { quiet: true })
  app.get('/healthz', (_request, response) => {
    response.json({ ok: true })
  })
  app.get('/readyz', async (_request, response) => {
    const checks = await readiness().catch((): CheckResult[] => [{ name: 'readiness', ok: false, detail: 'the check itself failed' }])
    const ok = checks.every((check) => check.ok)
    response.status(ok ? 200 : 503).json({ ok, degraded: checks.some((check) => check.degraded === true), checks })
  })
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.read())
  })
  return httpServer({ port, app, name, log, ...(options.host === undefined ? {} : { host: options.host }) })
}
