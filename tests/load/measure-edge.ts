import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { type EdgeProcess, startEdge } from './edge-process.ts'
import type { Figure } from './figure.ts'
import { type BenchHub, startProgram } from './harness.ts'

const people = 10_000
const rounds = 3
const roundSeconds = 4
const connections = 50

/**
 * One-click posts a second of distinct people to an edge in a process of its own, against Express with its body parser in a process of its own, in turns.
 * `oneclick.journalled` is how many of them reached the journal in a second of the same time: where it is lower than the posts, the spool grows.
 */
export async function measureOneClick(hub: BenchHub): Promise<Figure[]> {
  const subjects = Array.from({ length: people }, (_, number) => ({
    identifier: { kind: 'IDENTIFIER_KIND_EMAIL' as const, value: `person-${600_000 + number}@example.com` },
  }))
  const { links } = await hub.clients.preferences.createUnsubscribeLinks(
    { purpose: 'email-marketing/newsletter', subjects },
    { deadlineMs: 120_000 },
  )
  const paths = links.map(({ url }) => new URL(url).pathname)
  const bare = await startProgram('bare-express.ts')
  const edge = await startEdge(hub)
  try {
    const bareUrl = `http://127.0.0.1:${bare.port}`
    await posts(bareUrl, paths, 2)
    await posts(edge.url, paths, 2)
    await drained(edge)
    const ceilings: number[] = []
    const rates: number[] = []
    const journalled: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      ceilings.push(await posts(bareUrl, paths, roundSeconds))
      const before = await edge.clicks()
      rates.push(await posts(edge.url, paths, roundSeconds))
      const { journalled: after, waiting } = await edge.clicks()
      journalled.push((after - before.journalled) / roundSeconds)
      const drainSeconds = await drained(edge)
      process.stderr.write(
        `  round ${round + 1}: bare ${ceilings.at(-1)?.toFixed(0)}/s, edge ${rates.at(-1)?.toFixed(0)}/s, journalled ${journalled.at(-1)?.toFixed(0)}/s, ` +
          `${waiting} waited at the end and were journalled in ${drainSeconds.toFixed(1)} s\n`,
      )
    }
    const ceiling = mean(ceilings)
    const rate = mean(rates)
    return [
      { key: 'oneclick.post', value: rate, unit: 'posts/s', ceiling, ratio: rate / ceiling },
      { key: 'oneclick.journalled', value: mean(journalled), unit: 'clicks/s' },
    ]
  } finally {
    await edge.stop()
    await bare.stop()
  }
}

/** Waits until the spool is empty; how long that took, in seconds. */
async function drained(edge: EdgeProcess): Promise<number> {
  const startedAt = performance.now()
  while ((await edge.clicks()).waiting > 0) await sleep(50)
  return (performance.now() - startedAt) / 1000
}

let next = 0

async function posts(url: string, paths: readonly string[], seconds: number): Promise<number> {
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'List-Unsubscribe=One-Click',
        setupRequest: (request) => ({ ...request, path: paths[next++ % paths.length] ?? '/' }),
      },
    ],
  })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} answers were not 200, ${result.errors} failed`)
  return result['2xx'] / result.duration
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
