import { bearerAuthentication, type Connector, httpTransport, type Interpretation, SettingsError } from '@heed/connector-kit'
import type { Outcome } from '@heed/domain'

interface BulletinSettings {
  readonly baseUrl: string
  readonly credential: string
  readonly list: string
}

function text(settings: Readonly<Record<string, unknown>>, name: string): string {
  const value = settings[name]
  if (typeof value !== 'string') throw new SettingsError(name, 'is missing')
  return value
}

const meanings: ReadonlyMap<string, Outcome> = new Map<string, Outcome>([
  ['done', { kind: 'confirmed' }],
  ['malformed', { kind: 'rejected', reason: 'item.malformed' }],
])

/** A bulletin whose sender takes up to 200 addresses to be left out at once, and says of each what became of it. */
export const bulletin: Connector<BulletinSettings> = {
  descriptor: {
    name: 'bulletin',
    docs: 'https://bulletin.example/docs/suppressions',
    identifiers: ['email'],
    batch: { maxTasks: 200 },
    rate: { concurrentRequests: 2, requestsPerMinute: 60 },
    confirmation: 'in-response',
    timeoutMs: 15_000,
    quietAfterUnknownSeconds: 0,
  },

  parseSettings: (settings) => ({
    baseUrl: text(settings, 'baseUrl'),
    credential: text(settings, 'credential'),
    list: text(settings, 'list'),
  }),

  connect: ({ baseUrl, credential }, { credentials, descriptor }) =>
    httpTransport({ baseUrl, descriptor, authentication: bearerAuthentication(credentials, credential) }),

  plan: (tasks, { list }) =>
    tasks.length === 0
      ? []
      : [
          {
            via: 'http',
            intent: 'assert',
            name: 'suppressions.put',
            method: 'PUT',
            path: `/lists/${encodeURIComponent(list)}/suppressions`,
            covers: tasks.map(({ deliveryId }) => deliveryId),
            body: {
              json: tasks.map(({ identifiers, wanted, kind }) => ({
                addresses: identifiers.map(({ value }) => value),
                suppressed: kind === 'erasure' || Object.values(wanted).includes('denied'),
              })),
            },
          },
        ],

  interpret: (request, answer): Interpretation => {
    if (answer.via !== 'http') return { outcomes: [] }
    const all = (reason: 'unavailable.status' | 'unavailable.rate-limited' | 'auth.refused' | 'batch.refused'): Interpretation => ({
      outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome: { kind: 'deferred', reason } })),
    })
    if (answer.status === 401 || answer.status === 403) return all('auth.refused')
    if (answer.status === 429) return all('unavailable.rate-limited')
    if (answer.status === 400) return all('batch.refused')
    if (answer.status !== 200) return all('unavailable.status')
    // one word for each, in the order of the request; an answer of another length says nothing about anybody
    const words = answer.body.toString().split('\n')
    if (words.length !== request.covers.length) return { outcomes: [] }
    return {
      outcomes: request.covers.flatMap((deliveryId, index) => {
        const outcome = meanings.get(words[index] ?? '')
        return outcome === undefined ? [] : [{ deliveryId, outcome }]
      }),
    }
  },
}
