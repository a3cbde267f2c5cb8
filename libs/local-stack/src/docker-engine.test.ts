import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engineAddresses, probeDocker } from './docker-engine.ts'

describe('engineAddresses', () => {
  it('looks at DOCKER_HOST and nowhere else where it is set', () => {
    expect(engineAddresses({ DOCKER_HOST: 'unix:///run/x.sock' }, 'linux', '/home/a')).toEqual([{ socketPath: '/run/x.sock' }])
    expect(engineAddresses({ DOCKER_HOST: 'tcp://10.0.0.1' }, 'linux', '/home/a')).toEqual([{ host: '10.0.0.1', port: 2375 }])
  })

  it('looks at the usual sockets otherwise', () => {
    expect(engineAddresses({ XDG_RUNTIME_DIR: '/run/user/1000' }, 'linux', '/home/a')).toEqual(
      ['/var/run/docker.sock', '/run/user/1000/docker.sock', '/home/a/.docker/run/docker.sock', '/home/a/.docker/desktop/docker.sock'].map(
        (socketPath) => ({ socketPath }),
      ),
    )
  })
})

describe('probeDocker', () => {
  let folder: string
  let socketPath: string
  let close: () => void = () => undefined
  const listen = (listener: RequestListener) =>
    new Promise<void>((resolve) => {
      const server = createServer(listener).listen(socketPath, resolve)
      close = () => server.closeAllConnections()
      server.unref()
    })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'heed-docker-'))
    socketPath = join(folder, 'docker.sock')
  })
  afterEach(() => {
    close()
    rmSync(folder, { recursive: true })
  })
  const probe = () => probeDocker({ DOCKER_HOST: `unix://${socketPath}` })

  it('finds an engine that answers a ping', async () => {
    await listen((request, response) => response.writeHead(request.url === '/_ping' ? 200 : 404).end('OK'))
    expect(await probe()).toEqual({ available: true, why: 'a Docker engine answers' })
  })

  it('finds none where no socket is', async () => {
    expect(await probe()).toMatchObject({ available: false })
  })

  it('finds none where the engine refuses', async () => {
    await listen((_, response) => response.writeHead(500).end())
    expect(await probe()).toMatchObject({ available: false })
  })

  it('does not wait for an engine that hangs', async () => {
    await listen(() => undefined)
    const startedAt = performance.now()
    expect(await probe()).toMatchObject({ available: false })
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
})
