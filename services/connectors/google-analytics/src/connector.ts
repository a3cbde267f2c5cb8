import {
  type Connector,
  googleAuthentication,
  type HttpRequest,
  httpTransport,
  membershipOf,
  type NothingToSend,
  type Task,
} from '@heed/connector-kit'
import type { DeliveryId, ReasonCode } from '@heed/domain'
import { outcomeOf } from './answers.ts'
import { deletionOf, identifierKindsOf, usersOf } from './deletions.ts'
import { type GoogleAnalyticsSettings, parseSettings } from './settings.ts'

const scopes = {
  v1alpha: 'https://www.googleapis.com/auth/analytics.edit',
  v3: 'https://www.googleapis.com/auth/analytics.user.deletion',
} as const

/**
 * Google Analytics 4. Each call has one property forget one name of a person, up to that moment, and Google says no more than that it will. Who may be counted
 * again is for our own pages to know: nothing here asks Analytics to collect.
 */
export const googleAnalytics: Connector<GoogleAnalyticsSettings> = {
  descriptor: ({ api, properties, deletionsPerDay, requestsPerMinute, concurrentRequests }) => ({
    name: 'google-analytics',
    docs: 'https://developers.google.com/analytics/devguides/config/admin/v1/rest/v1alpha/properties/submitUserDeletion',
    identifiers: identifierKindsOf(api),
    // few at a time: no more of the day's deletions are promised than are there, and those that are waited for do not wait for long
    batch: { maxTasks: 10 },
    rate: {
      concurrentRequests,
      requestsPerMinute,
      // every deletion goes to every property; the older interface counts all of a project together
      requestsPerDay: api === 'v3' ? deletionsPerDay : deletionsPerDay * properties.length,
    },
    confirmation: 'never',
    erasure: true,
    timeoutMs: 60_000,
    // from 1 s by a factor of 1.3 to 60 s, as the vendor asks; what is refused even then is refused for the day
    retry: { scheduleSeconds: [1, 1.3, 1.7, 2.2, 2.9, 3.7, 4.8, 6.3, 8.2, 10.6, 13.8, 17.9, 23.3, 30.3, 39.4, 51.2, 60, 3_600] },
    quietAfterUnknownSeconds: 0,
  }),
  parseSettings,
  account: ({ api, properties }) => `google-analytics:${api}:${[...properties].sort().join(',')}`,
  connect: (settings, { credentials, descriptor, clock }) =>
    httpTransport({
      baseUrl: settings.baseUrl,
      descriptor,
      authentication: googleAuthentication({
        credentials,
        credential: settings.credential,
        scope: scopes[settings.api],
        clock,
        ...(settings.tokenUrl === undefined ? {} : { tokenUrl: settings.tokenUrl }),
      }),
    }),

  plan: (tasks, settings) => tasks.flatMap((task) => planOf(task, settings)),

  interpret(request, answer) {
    if (answer.via !== 'http') return { outcomes: [] }
    const outcome = outcomeOf(answer)
    return { outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome })) }
  },
}

function planOf(task: Task, settings: GoogleAnalyticsSettings): (HttpRequest | NothingToSend)[] {
  const { deliveryId } = task
  const membership = membershipOf(task)
  switch (membership) {
    case 'unsaid':
      return [nothing(deliveryId, 'not-applicable.nothing-held-there')]
    case 'in':
      return [nothing(deliveryId, 'not-applicable.no-opt-in')]
    case 'out': {
      const users = usersOf(task.identifiers, settings.api)
      if (users.length === 0) return [nothing(deliveryId, 'not-applicable.no-identifier')]
      return settings.properties.flatMap((property) =>
        users.map((user): HttpRequest => {
          const { path, json } = deletionOf(user, property, settings)
          return { via: 'http', intent: 'assert', name: 'user.delete', method: 'POST', path, covers: [deliveryId], body: { json } }
        }),
      )
    }
    default:
      return membership satisfies never
  }
}

const nothing = (deliveryId: DeliveryId, reason: ReasonCode): NothingToSend => ({
  via: 'nothing',
  covers: [deliveryId],
  outcome: { kind: 'notApplicable', reason },
})
