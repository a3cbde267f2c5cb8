import { setTimeout as sleep } from 'node:timers/promises'
import { loadService } from '@heed/contracts'
import type { CreateUnsubscribeLinksRequest } from '@heed/contracts/gen/heed/preferences/v1/CreateUnsubscribeLinksRequest.ts'
import type { CreateUnsubscribeLinksResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/CreateUnsubscribeLinksResponse.ts'
import { closeClient, grpcClient, type UnaryCall } from '@heed/platform/grpc'
import autocannon from 'autocannon'
import { type EdgeProcess, startEdge } from './edge-process.ts'
import type { Figure } from './figure.ts'
import { startProgram } from './harness.ts'
import { cpuSecondsOf } from './processes.ts'
import type { BenchService } from './service.ts'

const people = 10_000
const rounds = 6
const roundSeconds = 3
const warmSeconds = 8
const connections = 50

/**
 * One-click posts a second of distinct people to an edge in a process of its own, in turns with Express and its body parser in a process of its own. `oneclick.journalled` is
 * how many of them reached the journal in a second of the same time: where it is lower than the posts, the spool grows. `oneclick.edge` is the same edge in front of a server that
 * answers a constant: what is left when preferences and its database run elsewhere.
 */
export async function measureOneClick(service: BenchService, profileDir?: string): Promise<Figure[]> {
  const paths = await linksOf(service)
  const bare = await startProgram('bare-express.ts')
  const constant = await startProgram('bare-grpc.ts')
  const edge = await startEdge(service, service.address, profileDir)
  const alone = await startEdge(service, `127.0.0.1:${constant.port}`)
  const ceiling = new Load(`http://127.0.0.1:${bare.port}`, paths, () => cpuSecondsOf(bare.pid))
  const figure = new Load(edge.url, paths, edge.cpuSeconds)
  const apart = new Load(alone.url, paths, alone.cpuSeconds)
  let journalled = 0
  let forwarded = 0
  const behind = { service: 0, database: 0, broker: 0 }
  try {
    // all warm before any is timed: what is compiled for the last time after ten thousands of posts must not count for one and not for another
    for (const { url, cpuSeconds } of [ceiling, figure, apart]) await new Load(url, paths, cpuSeconds).post(warmSeconds)
    await drained(edge)
    for (let round = 1; round <= rounds; round += 1) {
      const bareRate = await ceiling.post(roundSeconds)
      const apartRate = await apart.post(roundSeconds)
      await drained(alone)
      const before = await edge.clicks()
      const cpuBefore = await service.cpuSeconds()
      const rate = await figure.post(roundSeconds)
      const after = await edge.clicks()
      journalled += after.journalled - before.journalled
      const drainSeconds = await drained(edge)
      await service.settled()
      const cpuAfter = await service.cpuSeconds()
      for (const part of ['service', 'database', 'broker'] as const) behind[part] += cpuAfter[part] - cpuBefore[part]
      forwarded += (await edge.clicks()).journalled - before.journalled
      const calls = after.calls - before.calls
      process.stderr.write(
        `  round ${round}: bare ${bareRate.toFixed(0)}/s, edge alone ${apartRate.toFixed(0)}/s, edge ${rate.toFixed(0)}/s, journalled ${((after.journalled - before.journalled) / roundSeconds).toFixed(0)}/s ` +
          `in ${(calls / roundSeconds).toFixed(0)} calls/s, ${(((after.delaySeconds - before.delaySeconds) * 1000) / calls).toFixed(0)} ms after the oldest click of each; ` +
          `${after.waiting} waited at the end, for another ${drainSeconds.toFixed(1)} s\n`,
      )
    }
    return [
      {
        key: 'oneclick.post',
        value: figure.perSecond,
        unit: 'posts/s',
        ceiling: ceiling.perSecond,
        ratio: figure.perSecond / ceiling.perSecond,
        cpu: `edge ${figure.cpuMicroseconds}; bare: ${ceiling.cpuMicroseconds}`,
      },
      {
        key: 'oneclick.edge',
        value: apart.perSecond,
        unit: 'posts/s',
        ceiling: ceiling.perSecond,
        ratio: apart.perSecond / ceiling.perSecond,
        cpu: `edge ${apart.cpuMicroseconds}; bare: ${ceiling.cpuMicroseconds}`,
      },
      { key: 'oneclick.journalled', value: journalled / (rounds * roundSeconds), unit: 'clicks/s', cpu: perClick(behind, forwarded) },
    ]
  } finally {
    await edge.stop()
    await alone.stop()
    await constant.stop()
    await bare.stop()
  }
}

function perClick(seconds: Readonly<Record<string, number>>, clicks: number): string {
  return Object.entries(seconds)
    .map(([part, used]) => `${part} ${Math.round((used * 1e6) / clicks)}`)
    .join(', ')
}

/** Posts to one server, and what they came to. */
class Load {
  readonly url: string
  readonly cpuSeconds: () => Promise<number>
  readonly #paths: readonly string[]
  #next = 0
  #done = 0
  #seconds = 0
  #cpu = 0

  constructor(url: string, paths: readonly string[], cpuSeconds: () => Promise<number>) {
    this.url = url
    this.cpuSeconds = cpuSeconds
    this.#paths = paths
  }

  /** Posts for so long; the rate of this time. Throws where an answer is not 200. */
  async post(seconds: number): Promise<number> {
    const cpu = await this.cpuSeconds()
    const result = await autocannon({
      url: this.url,
      connections,
      duration: seconds,
      requests: [
        {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: 'List-Unsubscribe=One-Click',
          setupRequest: (request) => ({ ...request, path: this.#paths[this.#next++ % this.#paths.length] ?? '/' }),
        },
      ],
    })
    if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} answers were not 200, ${result.errors} failed`)
    this.#done += result['2xx']
    this.#seconds += result.duration
    this.#cpu += (await this.cpuSeconds()) - cpu
    return result['2xx'] / result.duration
  }

  get perSecond(): number {
    return this.#done / this.#seconds
  }

  get cpuMicroseconds(): number {
    return Math.round((this.#cpu * 1e6) / this.#done)
  }
}

async function linksOf(service: BenchService): Promise<string[]> {
  const client = grpcClient<{
    createUnsubscribeLinks: UnaryCall<CreateUnsubscribeLinksRequest, CreateUnsubscribeLinksResponse__Output>
  }>(loadService('heed.preferences.v1.PreferenceService'), { address: service.address, key: service.callerKey })
  const subjects = Array.from({ length: people }, (_, number) => ({
    identifier: { kind: 'IDENTIFIER_KIND_EMAIL' as const, value: `person-${600_000 + number}@example.com` },
  }))
  const { links } = await client.createUnsubscribeLinks({ purpose: 'email-marketing/newsletter', subjects }, { deadlineMs: 120_000 })
  closeClient(client)
  return links.map(({ url }) => new URL(url).pathname)
}

/** Waits until the spool is empty; how long that took, in seconds. */
async function drained(edge: EdgeProcess): Promise<number> {
  const startedAt = performance.now()
  while ((await edge.clicks()).waiting > 0) await sleep(50)
  return (performance.now() - startedAt) / 1000
}
