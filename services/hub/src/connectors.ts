import { googleAds } from '@heed/connector-google-ads'
import { googleAnalytics } from '@heed/connector-google-analytics'
import { hashedEmail } from '@heed/connector-hashed-email'
import {
  type Connector,
  type ConnectorApp,
  connectorApp,
  createCadence,
  grpcDirectory,
  type IdentifierClient,
  type Probe,
} from '@heed/connector-kit'
import { linkedinAds } from '@heed/connector-linkedin-ads'
import { mailchimp } from '@heed/connector-mailchimp'
import { manual } from '@heed/connector-manual'
import { metaAds } from '@heed/connector-meta-ads'
import { microsoftAds } from '@heed/connector-microsoft-ads'
import { supplierFeed } from '@heed/connector-supplier-feed'
import { xAds } from '@heed/connector-x-ads'
import { loadService } from '@heed/contracts'
import { connectorOf, duties, type Policy, type Recipient } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { closeClient, grpcClient } from '@heed/platform/grpc'
import type { Kafka } from '@heed/platform/kafka'
import type { Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import type { CheckResult, MongoConnection } from '@heed/platform/mongo'
import { type FaultProbe, probedConsuming } from './fault-points.ts'

/** What the connectors of a hub share. */
export interface ConnectorsOptions {
  readonly policy: Policy
  /** Only these kinds; all there are where absent. */
  readonly kinds: readonly string[] | undefined
  readonly mongo: MongoConnection
  readonly kafka: Kafka
  readonly dbPrefix: string
  readonly topicPrefix: string
  readonly probe: FaultProbe | undefined
  readonly preferencesAddress: string
  /** Of a caller with the scope `identifiers:resolve:*`. */
  readonly key: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Metrics
}

/** The connectors of a hub, not started yet. */
export interface Connectors {
  readonly apps: readonly { readonly name: string; readonly parts: readonly Part[]; readonly app: ConnectorApp }[]
  /** Whether a connector runs here that brings this recipient to what is wanted by itself. */
  serves(recipientId: string): boolean
  /** Whether what is owed to this recipient becomes the duty of a person here. */
  makesDuties(recipientId: string): boolean
  settle(): Promise<void>
  readiness(): Promise<CheckResult[]>
  close(): void
}

type Start = (
  recipients: readonly Recipient[],
  options: Omit<Parameters<typeof connectorApp>[1], 'recipients' | 'transport'>,
) => Promise<ConnectorApp>

const start =
  <Settings>(connector: Connector<Settings>): Start =>
  (recipients, options) =>
    connectorApp(connector, { ...options, recipients })

/** The kinds of connector that run here, by the name that the policy file uses: those whose vendor the sandbox plays, and the duties of persons. */
const kinds: Readonly<Record<string, Start>> = {
  mailchimp: start(mailchimp),
  'hashed-email': start(hashedEmail),
  'google-ads': start(googleAds),
  'google-analytics': start(googleAnalytics),
  'meta-ads': start(metaAds),
  'linkedin-ads': start(linkedinAds),
  'x-ads': start(xAds),
  'microsoft-ads': start(microsoftAds),
  'supplier-feed': start(supplierFeed),
  [duties]: start(manual),
}

/** The connectors that serve the policy's recipients. Throws `SettingsError` for a recipient whose settings are not usable. */
export async function connectorsOf(options: ConnectorsOptions): Promise<Connectors> {
  const { policy, mongo, kafka, dbPrefix, topicPrefix, env, log, clock, metrics } = options
  const client = grpcClient<IdentifierClient>(loadService('heed.identifiers.v1.IdentifierService'), {
    address: options.preferencesAddress,
    key: options.key,
  })
  const { probe } = options
  const cadence = createCadence()
  const kitProbe = (kind: string): Probe | undefined =>
    probe === undefined
      ? undefined
      : (point) => {
          if (point === 'answered') return probe('vendor.answered', kind)
          if (point === 'decided') return probe('delivery.decided', kind)
          if (point === 'settled') return probe('delivery.settled', kind)
          if (point === 'published') return probe('outcome.published', kind)
        }
  const apps: Connectors['apps'][number][] = []
  const served = new Set<string>()
  const owned = new Set<string>()
  for (const [kind, begin] of Object.entries(kinds)) {
    if (options.kinds !== undefined && !options.kinds.includes(kind)) continue
    const recipients = policy.recipients.filter((recipient) => connectorOf(recipient) === kind)
    if (recipients.length === 0) continue
    const probed = kitProbe(kind)
    const app = await begin(recipients, {
      mongo,
      kafka: probe === undefined ? kafka : probedConsuming(kafka, () => probe('inbox.written', kind)),
      identifiers: grpcDirectory(client),
      cadence,
      dbPrefix,
      topicPrefix,
      // a hub in one process is for development, with vendors on this machine
      env: { ...env, HEED_ENV: 'development' },
      clock,
      log: log.child({ room: 'connectors' }),
      metrics,
      ...(probed === undefined ? {} : { probe: probed }),
    })
    apps.push({ name: `connector ${kind} (${recipients.map(({ id }) => id).join(', ')})`, parts: app.parts, app })
    for (const { id } of recipients) (kind === duties ? owned : served).add(id)
  }
  return {
    apps,
    serves: (recipientId) => served.has(recipientId),
    makesDuties: (recipientId) => owned.has(recipientId),
    settle: async () => {
      await Promise.all(apps.map(({ app }) => app.settle()))
    },
    readiness: async () => (await Promise.all(apps.map(({ app }) => app.readiness()))).flat(),
    close: () => closeClient(client),
  }
}
