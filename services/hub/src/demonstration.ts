import { randomUUID } from 'node:crypto'
import { type Clients, connectClients, timeText } from '@heed/cli'
import { fromTimestamp } from '@heed/contracts'
import type { ChangeStatus__Output } from '@heed/contracts/gen/heed/audit/v1/ChangeStatus.ts'
import colors from 'picocolors'
import { request } from 'undici'
import type { Hub } from './hub.ts'
import type { Screen } from './screen.ts'

/** What the demonstration came to. */
export interface Demonstrated {
  /** Recipients that have a connector here and were not reached in time. */
  readonly missed: readonly string[]
  /** Milliseconds from the opt-out to the first recipient that confirmed it. */
  readonly firstConfirmedMs: number | undefined
  /** A link of somebody who has not opted out yet, to click. */
  readonly linkToClick: string
  readonly subjectId: string
}

const patienceMs = 60_000

/** Runs one opt-out by gRPC and one by the link of a mail through the hub, and follows both to every recipient that has a connector. The people are made up anew each time. */
export async function demonstrate(hub: Hub, sandboxUrl: string, screen: Screen): Promise<Demonstrated> {
  const clients = connectClients({ ...hub.addresses, key: hub.keys.demo, mongoUri: undefined, dbPrefix: '' })
  try {
    return await run(hub, sandboxUrl, clients, screen)
  } finally {
    clients.close()
  }
}

async function run(hub: Hub, sandboxUrl: string, { preferences, audit }: Clients, screen: Screen): Promise<Demonstrated> {
  const run = Date.now().toString(36)
  const people = { ada: `ada.${run}@example.org`, bob: `bob.${run}@example.org`, cy: `cy.${run}@example.org` }
  const addresses = Object.values(people)
  await tellVendor(sandboxUrl, 'mailchimp/seed', {
    listId: 'l-marketing',
    members: addresses.map((email) => ({ email, status: 'subscribed' })),
  })
  await tellVendor(sandboxUrl, 'hashed-email/known', { addresses })

  const purposes = hub.policy.purposes.filter(({ refusable }) => refusable).map(({ key }) => key)
  const missed: string[] = []
  let firstConfirmedMs: number | undefined

  const follow = async (changeId: string, changed: readonly string[]): Promise<ChangeStatus__Output | undefined> => {
    const progress = screen.watch(hub.policy, changed)
    let last: ChangeStatus__Output | undefined
    const stop = AbortSignal.timeout(patienceMs)
    try {
      for await (const { status } of audit.watchChangeStatus({ changeId }, { signal: stop })) {
        if (status === null) continue
        last = status
        progress.report(status)
        for (const { settledAt, state } of status.deliveries) {
          if (state !== 'DELIVERY_STATE_CONFIRMED') continue
          const ms = (fromTimestamp(settledAt) ?? Number.NaN) - (fromTimestamp(status.acceptedAt) ?? Number.NaN)
          if (ms >= 0 && (firstConfirmedMs === undefined || ms < firstConfirmedMs)) firstConfirmedMs = ms
        }
        if (reached(status)) break
      }
    } catch (thrown) {
      if (!stop.aborted) throw thrown
    } finally {
      progress.end()
    }
    for (const recipient of owed(last)) missed.push(recipient)
    return last
  }
  const owed = (status: ChangeStatus__Output | undefined): string[] =>
    status === undefined
      ? ['everyone']
      : status.deliveries
          .filter(({ recipientId, settled, state }) => {
            // a duty is where it should be once it awaits its person
            if (hub.connectors.makesDuties(recipientId)) return !settled && state !== 'DELIVERY_STATE_NEEDS_PERSON'
            return hub.connectors.serves(recipientId) && !settled
          })
          .map(({ recipientId }) => recipientId)
  const reached = (status: ChangeStatus__Output): boolean =>
    status.deliveries.some(({ recipientId }) => hub.connectors.serves(recipientId)) && owed(status).length === 0

  screen.title('Ada refuses everything that can be refused, over gRPC')
  const accepted = await preferences.setPreferences({
    requestId: `demo:${randomUUID()}`,
    subject: { identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: people.ada } },
    choices: purposes.map((purpose) => ({ purpose, choice: 'CHOICE_DENIED' })),
    origin: 'ORIGIN_KIND_PERSON',
    originReference: 'demonstration',
  })
  screen.step(`accepted and journalled as ${accepted.changeId}`)
  const status = await follow(accepted.changeId, purposes)
  for (const { deliveryId, ownerRole, deadlineAt, settled } of status?.deliveries ?? []) {
    if (ownerRole === '' || settled) continue
    screen.line(colors.dim(`    a duty of ${ownerRole}, until ${timeText(deadlineAt)}: npx heed duty ${deliveryId}`))
  }
  const waiting = status?.deliveries.filter(
    ({ recipientId, settled }) => !settled && !hub.connectors.serves(recipientId) && !hub.connectors.makesDuties(recipientId),
  )
  if (waiting !== undefined && waiting.length > 0)
    screen.line(
      colors.dim(`    ${waiting.length} recipients have no connector running: their deliveries wait on their topics and stay open`),
    )

  screen.title('Bob presses “unsubscribe” in a mail (RFC 8058 one-click)')
  const { links } = await preferences.createUnsubscribeLinks({
    purpose: 'email-marketing/newsletter',
    subjects: [people.bob, people.cy].map((value) => ({ identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value } })),
  })
  const [bob, cy] = links
  if (bob === undefined || cy === undefined) throw new Error('two links were asked for')
  const { statusCode, body } = await request(bob.url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'List-Unsubscribe=One-Click',
    headersTimeout: 5_000,
  })
  await body.dump()
  if (statusCode !== 200) throw new Error(`the edge answered ${statusCode}`)
  screen.step('the edge answered 200: his wish is durable')
  await hub.edge.settle()
  const { version } = await preferences.getPreferences({ subject: { subjectId: bob.subjectId } })
  await follow(`${bob.subjectId}/${version}`, ['email-marketing'])

  return { missed, firstConfirmedMs, linkToClick: cy.url, subjectId: accepted.subjectId }
}

/** Makes a vendor that is played know somebody. */
async function tellVendor(sandboxUrl: string, path: string, told: unknown): Promise<void> {
  const { statusCode, body } = await request(`${sandboxUrl}/_control/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(told),
    headersTimeout: 5_000,
  })
  await body.dump()
  if (statusCode !== 200) throw new Error(`the sandbox answered ${statusCode} to ${path}`)
}

/** The trail of a subject, as `heed timeline` shows it. */
export async function showTrail(hub: Hub, subjectId: string, screen: Screen): Promise<void> {
  const clients = connectClients({ ...hub.addresses, key: hub.keys.demo, mongoUri: undefined, dbPrefix: '' })
  try {
    const { entries } = await clients.audit.listSubjectTimeline({ subjectId, pageSize: 500 })
    for (const { sequence, at, kind, recipientId } of entries) {
      const time = new Date(fromTimestamp(at) ?? 0).toISOString().slice(11, 23)
      screen.line(`    ${colors.dim(`#${String(sequence).padEnd(5)} ${time}`)} ${kind.padEnd(22)} ${recipientId}`)
    }
  } finally {
    clients.close()
  }
}
