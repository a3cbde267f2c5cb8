import { request as httpRequest } from 'node:http'
import express from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import type { CheckResult, RunningPart } from '../lifecycle/index.ts'
import { createLogger, silentLogger } from '../log/index.ts'
import { createMetrics } from '../metrics/index.ts'
import { createApp, httpServer, ListenError, operationsServer, problem } from './index.ts'

const running: RunningPart[] = []
afterEach(async () => {
  for (const part of running.splice(0)) await part.stop()
})

async function served(routes: (app: ReturnType<typeof createApp>) => void) {
  const lines: string[] = []
  const log = createLogger('test', { level: 'debug', destination: { write: (line) => lines.push(line) } })
  const app = createApp(log)
  routes(app)
  const server = httpServer({ port: 0, host: '127.0.0.1', app, name: 'test', log })
  running.push(await server.start())
  return { url: server.url, server, lines }
}

describe('an application', () => {
  it('answers a problem as problem+json', async () => {
    const { url } = await served((app) => {
      app.get('/x', () => {
        throw problem(409, '/problems/used', 'Already used', 'Take another one.', { retry: false })
      })
    })
    const response = await fetch(`${url}/x`)
    expect(response.status).toBe(409)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toEqual({
      type: '/problems/used',
      title: 'Already used',
      status: 409,
      detail: 'Take another one.',
      retry: false,
    })
  })

  it('tells nothing of a foreign error, also of an asynchronous one', async () => {
    const { url } = await served((app) => {
      app.get('/x', async () => {
        throw new Error('canary@example.org')
      })
    })
    const response = await fetch(`${url}/x`)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('canary')
  })

  it('answers what cannot be read, and what is too large, without quoting it', async () => {
    const { url } = await served((app) => {
      app.post('/x', express.json({ limit: '1kb' }), (_request, response) => {
        response.json({})
      })
    })
    const post = (body: string) => fetch(`${url}/x`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const broken = await post('{"canary')
    expect([broken.status, (await broken.text()).includes('canary')]).toEqual([400, false])
    expect((await post(JSON.stringify('x'.repeat(2_000)))).status).toBe(413)
  })

  it('answers 404 where there is nothing', async () => {
    const { url } = await served(() => undefined)
    const response = await fetch(`${url}/nothing`)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ type: '/problems/not-found' })
  })

  it('hides what it is made of and sets protective headers', async () => {
    const { url } = await served((app) => {
      app.get('/x', (_request, response) => {
        response.send('x')
      })
    })
    const { headers } = await fetch(`${url}/x`)
    expect(headers.get('x-powered-by')).toBeNull()
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'self'")
  })

  it('logs the template of the route, never the path or the query', async () => {
    const { url, lines, server } = await served((app) => {
      app.get('/v1/u/:token', (_request, response) => {
        response.send('x')
      })
    })
    await (await fetch(`${url}/v1/u/canary-token?mail=canary`)).text()
    await (await fetch(`${url}/canary-nowhere`)).text()
    await running.splice(0)[0]?.stop()
    expect(server.port).toBeGreaterThan(0)
    expect(lines.join('')).toContain('/v1/u/:token')
    expect(lines.join('')).toContain('unmatched')
    expect(lines.join('')).not.toContain('canary')
  })
})

describe('httpServer', () => {
  it('says so when the port is taken', async () => {
    const { server } = await served(() => undefined)
    const second = httpServer({ port: server.port, host: '127.0.0.1', app: createApp(silentLogger), name: 'second', log: silentLogger })
    await expect(second.start()).rejects.toThrow(ListenError)
  })

  it('lets a request under way finish when stopped, and takes no new one', async () => {
    let release: () => void = () => undefined
    let arrived: () => void = () => undefined
    const begun = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const { url } = await served((app) => {
      app.get('/slow', async (_request, response) => {
        arrived()
        await new Promise<void>((resolve) => {
          release = resolve
        })
        response.send('done')
      })
    })
    const answer = fetch(`${url}/slow`)
    await begun
    const stopped = running.splice(0)[0]?.stop()
    await expect(fetch(`${url}/slow`)).rejects.toThrow()
    release()
    expect(await (await answer).text()).toBe('done')
    await stopped
  })

  it('refuses headers beyond its limits', async () => {
    const { server } = await served(() => undefined)
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest({ port: server.port, host: '127.0.0.1', headers: { 'x-long': 'x'.repeat(20_000) } }, (response) =>
        resolve(response.statusCode),
      )
      request.on('error', reject)
      request.end()
    })
    expect(status).toBe(431)
  })
})

describe('operationsServer', () => {
  async function operations(readiness: () => Promise<CheckResult[]>) {
    const metrics = createMetrics()
    metrics.counter({ name: 'heed_a_total', help: 'a' }).add({})
    const server = operationsServer({ port: 0, host: '127.0.0.1', metrics, readiness, log: silentLogger })
    running.push(await server.start())
    return server.url
  }

  it('is ready when every check is, and 503 with what is missing when one is not', async () => {
    let ok = true
    const url = await operations(async () => [
      { name: 'mongo', ok: true },
      { name: 'kafka', ok },
    ])
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    ok = false
    const response = await fetch(`${url}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({
      ok: false,
      checks: [
        { name: 'mongo', ok: true },
        { name: 'kafka', ok: false },
      ],
    })
  })

  it('is ready and says degraded where somebody should look', async () => {
    const url = await operations(async () => [{ name: 'spool', ok: true, degraded: true }])
    const response = await fetch(`${url}/readyz`)
    expect([response.status, await response.json()]).toMatchObject([200, { ok: true, degraded: true }])
  })

  it('is not ready when the check itself fails, but lives', async () => {
    const url = await operations(() => Promise.reject(new Error('canary@example.org')))
    const response = await fetch(`${url}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain('canary')
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it('prints the figures', async () => {
    const url = await operations(async () => [])
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('heed_a_total 1')
  })
})
