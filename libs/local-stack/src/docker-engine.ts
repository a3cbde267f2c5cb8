import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { DockerAnswer } from './choice.ts'

const probeTimeoutMs = 1500

/** Where a Docker engine may listen. */
export type EngineAddress = { socketPath: string } | { host: string; port: number }

/** Whether a Docker engine answers a ping. Takes no longer than 1.5 s; the engine's client library is not loaded for it. */
export async function probeDocker(env: NodeJS.ProcessEnv): Promise<DockerAnswer> {
  const addresses = engineAddresses(env, process.platform, homedir()).filter(
    (address) => !('socketPath' in address) || existsSync(address.socketPath),
  )
  const answers = await Promise.all(addresses.map(ping))
  return answers.includes(true)
    ? { available: true, why: 'a Docker engine answers' }
    : { available: false, why: 'no Docker engine answers' }
}

/** The places to look: `DOCKER_HOST` and nothing else where it is set, otherwise the usual sockets. */
export function engineAddresses(env: NodeJS.ProcessEnv, platform: NodeJS.Platform, home: string): EngineAddress[] {
  if (env.DOCKER_HOST) {
    const { protocol, pathname, hostname, port } = new URL(env.DOCKER_HOST)
    return protocol === 'unix:' ? [{ socketPath: pathname }] : [{ host: hostname, port: Number(port || 2375) }]
  }
  if (platform === 'win32') return [{ socketPath: '//./pipe/docker_engine' }]
  return [
    '/var/run/docker.sock',
    ...(env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'docker.sock')] : []),
    join(home, '.docker', 'run', 'docker.sock'),
    join(home, '.docker', 'desktop', 'docker.sock'),
  ].map((socketPath) => ({ socketPath }))
}

function ping(address: EngineAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ ...address, path: '/_ping', timeout: probeTimeoutMs }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    call.once('timeout', () => call.destroy())
    call.once('error', () => resolve(false))
    call.once('close', () => resolve(false))
    call.end()
  })
}
