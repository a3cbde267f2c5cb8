import autocannon from 'autocannon'
import type { Figure } from './figure.ts'
import { type BenchHub, startProgram } from './harness.ts'

const seconds = 8

/** One-click posts a second of distinct people, against Express with its body parser answering 200. */
export async function measureOneClick(hub: BenchHub): Promise<Figure[]> {
  const people = 10_000
  const subjects = Array.from({ length: people }, (_, number) => ({
    identifier: { kind: 'IDENTIFIER_KIND_EMAIL' as const, value: `person-${600_000 + number}@example.com` },
  }))
  const { links } = await hub.clients.preferences.createUnsubscribeLinks({ purpose: 'email-marketing/newsletter', subjects })
  const paths = links.map(({ url }) => new URL(url).pathname)
  const bare = await startProgram('bare-express.ts')
  try {
    const ceiling = await posts(`http://127.0.0.1:${bare.port}`, paths)
    const rate = await posts(hub.file.http.edge ?? '', paths)
    return [{ key: 'oneclick.post', value: rate, unit: 'posts/s', ceiling, ratio: rate / ceiling }]
  } finally {
    await bare.stop()
  }
}

async function posts(url: string, paths: readonly string[]): Promise<number> {
  let next = 0
  const options: autocannon.Options = {
    url,
    connections: 50,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'List-Unsubscribe=One-Click',
        setupRequest: (request) => ({ ...request, path: paths[next++ % paths.length] ?? '/' }),
      },
    ],
  }
  await autocannon({ ...options, duration: 2 })
  const result = await autocannon(options)
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} answers were not 200, ${result.errors} failed`)
  return result.requests.average
}
