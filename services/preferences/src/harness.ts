import { createHash, randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type LinkKey, loadService, readPolicyFile } from '@heed/contracts'
import type { HandOverIdentifiersRequest } from '@heed/contracts/gen/heed/identifiers/v1/HandOverIdentifiersRequest.ts'
import type { HandOverIdentifiersResponse__Output } from '@heed/contracts/gen/heed/identifiers/v1/HandOverIdentifiersResponse.ts'
import type { ResolveIdentifiersRequest } from '@heed/contracts/gen/heed/identifiers/v1/ResolveIdentifiersRequest.ts'
import type { ResolveIdentifiersResponse__Output } from '@heed/contracts/gen/heed/identifiers/v1/ResolveIdentifiersResponse.ts'
import type { AuthorizeDisclosureRequest } from '@heed/contracts/gen/heed/preferences/v1/AuthorizeDisclosureRequest.ts'
import type { AuthorizeDisclosureResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/AuthorizeDisclosureResponse.ts'
import type { BatchCheckPermissionRequest } from '@heed/contracts/gen/heed/preferences/v1/BatchCheckPermissionRequest.ts'
import type { BatchCheckPermissionResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/BatchCheckPermissionResponse.ts'
import type { CheckPermissionRequest } from '@heed/contracts/gen/heed/preferences/v1/CheckPermissionRequest.ts'
import type { CheckPermissionResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/CheckPermissionResponse.ts'
import type { CreateUnsubscribeLinksRequest } from '@heed/contracts/gen/heed/preferences/v1/CreateUnsubscribeLinksRequest.ts'
import type { CreateUnsubscribeLinksResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/CreateUnsubscribeLinksResponse.ts'
import type { EraseSubjectRequest } from '@heed/contracts/gen/heed/preferences/v1/EraseSubjectRequest.ts'
import type { EraseSubjectResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/EraseSubjectResponse.ts'
import type { GetPolicyRequest } from '@heed/contracts/gen/heed/preferences/v1/GetPolicyRequest.ts'
import type { GetPolicyResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/GetPolicyResponse.ts'
import type { GetPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/GetPreferencesRequest.ts'
import type { GetPreferencesResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/GetPreferencesResponse.ts'
import type { ImportSuppressionsRequest } from '@heed/contracts/gen/heed/preferences/v1/ImportSuppressionsRequest.ts'
import type { ImportSuppressionsResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/ImportSuppressionsResponse.ts'
import type { LinkIdentifiersRequest } from '@heed/contracts/gen/heed/preferences/v1/LinkIdentifiersRequest.ts'
import type { LinkIdentifiersResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/LinkIdentifiersResponse.ts'
import type { ListErasuresRequest } from '@heed/contracts/gen/heed/preferences/v1/ListErasuresRequest.ts'
import type { ListErasuresResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/ListErasuresResponse.ts'
import type { MarkKnownChildRequest } from '@heed/contracts/gen/heed/preferences/v1/MarkKnownChildRequest.ts'
import type { MarkKnownChildResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/MarkKnownChildResponse.ts'
import type { PlanChangeRequest } from '@heed/contracts/gen/heed/preferences/v1/PlanChangeRequest.ts'
import type { PlanChangeResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/PlanChangeResponse.ts'
import type { PlanErasureRequest } from '@heed/contracts/gen/heed/preferences/v1/PlanErasureRequest.ts'
import type { PlanErasureResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/PlanErasureResponse.ts'
import type { ScanSnapshotsRequest } from '@heed/contracts/gen/heed/preferences/v1/ScanSnapshotsRequest.ts'
import type { ScanSnapshotsResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/ScanSnapshotsResponse.ts'
import type { SetPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesRequest.ts'
import type { SetPreferencesResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesResponse.ts'
import type { StreamPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/StreamPreferencesRequest.ts'
import type { StreamPreferencesResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/StreamPreferencesResponse.ts'
import type { UseUnsubscribeLinksRequest } from '@heed/contracts/gen/heed/preferences/v1/UseUnsubscribeLinksRequest.ts'
import type { UseUnsubscribeLinksResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/UseUnsubscribeLinksResponse.ts'
import type { WatchChangesRequest } from '@heed/contracts/gen/heed/preferences/v1/WatchChangesRequest.ts'
import type { WatchChangesResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/WatchChangesResponse.ts'
import type { Policy } from '@heed/domain'
import { type Clock, systemClock } from '@heed/platform/clock'
import {
  type BidiCall,
  type CallerStore,
  type ClientStreamCall,
  closeClient,
  grpcClient,
  hashKey,
  mintKey,
  type ServerStreamCall,
  type StoredCaller,
  type UnaryCall,
} from '@heed/platform/grpc'
import { connectKafka, type Kafka } from '@heed/platform/kafka'
import { type RunningPart, startAll } from '@heed/platform/lifecycle'
import { createLogger, type Logger } from '@heed/platform/log'
import { createMetrics, type Metrics } from '@heed/platform/metrics'
import { connectMongo, type MongoConnection } from '@heed/platform/mongo'
import { type PreferencesAdapters, type PreferencesApp, type PreferencesConfig, preferencesApp } from './app.ts'
import type { PreferencesKeys } from './keys.ts'

/** Every call of both services, as a test makes it. */
export interface PreferencesClient {
  setPreferences: UnaryCall<SetPreferencesRequest, SetPreferencesResponse__Output>
  streamPreferences: BidiCall<StreamPreferencesRequest, StreamPreferencesResponse__Output>
  getPreferences: UnaryCall<GetPreferencesRequest, GetPreferencesResponse__Output>
  checkPermission: UnaryCall<CheckPermissionRequest, CheckPermissionResponse__Output>
  batchCheckPermission: UnaryCall<BatchCheckPermissionRequest, BatchCheckPermissionResponse__Output>
  planChange: UnaryCall<PlanChangeRequest, PlanChangeResponse__Output>
  watchChanges: ServerStreamCall<WatchChangesRequest, WatchChangesResponse__Output>
  scanSnapshots: ServerStreamCall<ScanSnapshotsRequest, ScanSnapshotsResponse__Output>
  linkIdentifiers: UnaryCall<LinkIdentifiersRequest, LinkIdentifiersResponse__Output>
  createUnsubscribeLinks: UnaryCall<CreateUnsubscribeLinksRequest, CreateUnsubscribeLinksResponse__Output>
  useUnsubscribeLinks: UnaryCall<UseUnsubscribeLinksRequest, UseUnsubscribeLinksResponse__Output>
  eraseSubject: UnaryCall<EraseSubjectRequest, EraseSubjectResponse__Output>
  planErasure: UnaryCall<PlanErasureRequest, PlanErasureResponse__Output>
  listErasures: UnaryCall<ListErasuresRequest, ListErasuresResponse__Output>
  markKnownChild: UnaryCall<MarkKnownChildRequest, MarkKnownChildResponse__Output>
  importSuppressions: ClientStreamCall<ImportSuppressionsRequest, ImportSuppressionsResponse__Output>
  authorizeDisclosure: UnaryCall<AuthorizeDisclosureRequest, AuthorizeDisclosureResponse__Output>
  getPolicy: UnaryCall<GetPolicyRequest, GetPolicyResponse__Output>
}

/** The calls of connectors, and of persons who do what no connector can. */
export interface IdentifierClient {
  resolveIdentifiers: UnaryCall<ResolveIdentifiersRequest, ResolveIdentifiersResponse__Output>
  handOverIdentifiers: UnaryCall<HandOverIdentifiersRequest, HandOverIdentifiersResponse__Output>
}

/** The policy that is served out of the box. */
export const housePolicy = (): Promise<Policy> =>
  readPolicyFile(fileURLToPath(new URL('../../../deploy/policy/qualified3d.yaml', import.meta.url)))

/** Fresh keys of the kind that a configuration brings. */
export function freshKeys(): PreferencesKeys & { readonly links: readonly LinkKey[] } {
  return {
    keks: [{ id: 'k1', secret: randomBytes(32) }],
    lookup: randomBytes(32),
    suppression: randomBytes(32),
    links: [{ id: 'l1', secret: randomBytes(32), use: 'sign' }],
  }
}

/** Callers of a test: each with the scopes it is given. */
export function callersOf(scopes: Readonly<Record<string, readonly string[]>>): { store: CallerStore; keys: Record<string, string> } {
  const keys: Record<string, string> = {}
  const callers = new Map<string, StoredCaller>()
  for (const [id, held] of Object.entries(scopes)) {
    const key = mintKey(id)
    keys[id] = key
    callers.set(id, { id, keys: [{ hash: hashKey(key), createdAt: 0 }], scopes: held, createdAt: 0, ratePerSecond: 1_000_000 })
  }
  return { store: { find: async (id) => callers.get(id) }, keys }
}

/** A running service with its surroundings. */
export interface Harness {
  readonly app: PreferencesApp
  readonly mongo: MongoConnection
  readonly kafka: Kafka
  readonly client: PreferencesClient
  readonly identifiers: IdentifierClient
  readonly policy: Policy
  readonly metrics: Metrics
  /** Everything that was logged, a line each. */
  readonly lines: string[]
  readonly prefix: string
  readonly keys: PreferencesKeys
  /** The key of each caller, for clients in other processes. */
  readonly callerKeys: Readonly<Record<string, string>>
  /** A client of another caller: one of `callers`. */
  clientOf(caller: string): PreferencesClient
  identifiersOf(caller: string): IdentifierClient
  /** Stops the service as a signal would. */
  stop(): Promise<void>
}

export interface HarnessOptions {
  readonly mongoUri: string
  readonly kafkaBrokers: readonly string[]
  /** Database and topic prefix; a fresh one unless a test starts a second service on the same data. */
  readonly prefix?: string
  readonly keys?: PreferencesKeys
  readonly policy?: Policy
  readonly callers?: Readonly<Record<string, readonly string[]>>
  readonly interrupt?: PreferencesAdapters['interrupt']
  readonly afterRelayStep?: PreferencesAdapters['afterRelayStep']
  readonly duties?: PreferencesAdapters['duties']
  readonly erasure?: PreferencesConfig['erasure']
  readonly journalCountMs?: number
  readonly clock?: Clock
  readonly log?: Logger
  /** Without a relay: what is journalled stays in the outbox. */
  readonly withoutRelay?: boolean
}

/** Starts the service in this process on a real broker and a real database, and a client with every right. */
export async function startHarness(options: HarnessOptions): Promise<Harness> {
  const prefix = options.prefix ?? `t-${randomBytes(6).toString('hex')}`
  const keys = options.keys ?? freshKeys()
  const lines: string[] = []
  const log = options.log ?? createLogger('preferences', { level: 'debug', destination: { write: (line) => void lines.push(line) } })
  const policy = options.policy ?? (await housePolicy())
  const metrics = createMetrics()
  const mongo = await connectMongo({ uri: options.mongoUri, appName: prefix, log })
  const kafka = connectKafka({ brokers: options.kafkaBrokers, clientId: prefix, log })
  const callers = callersOf({ tester: ['*'], ...options.callers })
  const app = preferencesApp(
    {
      dbPrefix: prefix,
      topicPrefix: prefix,
      port: 0,
      host: '127.0.0.1',
      publicUrl: 'https://u.example.com',
      reflection: true,
      keys,
      ...(options.erasure === undefined ? {} : { erasure: options.erasure }),
      ...(options.journalCountMs === undefined ? {} : { journalCountMs: options.journalCountMs }),
    },
    {
      mongo,
      kafka,
      callers: callers.store,
      policy,
      policySha256: createHash('sha256').update(JSON.stringify(policy)).digest('hex'),
      log,
      clock: options.clock ?? systemClock,
      ...(options.duties === undefined ? {} : { duties: options.duties }),
      metrics,
      ...(options.interrupt === undefined ? {} : { interrupt: options.interrupt }),
      ...(options.afterRelayStep === undefined ? {} : { afterRelayStep: options.afterRelayStep }),
    },
  )
  const parts = options.withoutRelay ? app.parts.filter((part) => part !== app.relay) : app.parts
  const running: RunningPart = await startAll(parts, log)
  const clients: object[] = []
  const address = `127.0.0.1:${app.server.port}`
  const clientFor = <Client extends object>(service: Parameters<typeof loadService>[0], caller: string): Client => {
    const key = callers.keys[caller]
    const made = grpcClient<Client>(loadService(service), { address, deadlineMs: 30_000, ...(key === undefined ? {} : { key }) })
    clients.push(made)
    return made
  }
  const clientOf = (caller: string) => clientFor<PreferencesClient>('heed.preferences.v1.PreferenceService', caller)
  const identifiersOf = (caller: string) => clientFor<IdentifierClient>('heed.identifiers.v1.IdentifierService', caller)
  let stopped: Promise<void> | undefined
  const stop = async () => {
    for (const client of clients) closeClient(client)
    await running.stop()
    await Promise.all([kafka.stop(), mongo.stop()])
  }
  return {
    app,
    mongo,
    kafka,
    client: clientOf('tester'),
    identifiers: identifiersOf('tester'),
    policy,
    metrics,
    lines,
    prefix,
    keys,
    callerKeys: callers.keys,
    clientOf,
    identifiersOf,
    stop: () => (stopped ??= stop()),
  }
}

/** A person's reference by e-mail address. */
export const byEmail = (value: string) => ({ identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value } as const })

/** A request to deny one purpose. */
export function anOptOut(requestId: string, email: string, purpose = 'email-marketing'): SetPreferencesRequest {
  return {
    requestId,
    subject: byEmail(email),
    choices: [{ purpose, choice: 'CHOICE_DENIED' }],
    origin: 'ORIGIN_KIND_PERSON',
  }
}

/** A request to grant one purpose, on evidence collected at that moment. */
export function anOptIn(requestId: string, email: string, collectedAtMs: number, purpose = 'email-marketing'): SetPreferencesRequest {
  return {
    requestId,
    subject: byEmail(email),
    choices: [{ purpose, choice: 'CHOICE_GRANTED' }],
    evidence: {
      kind: 'EVIDENCE_KIND_DOUBLE_OPT_IN',
      reference: 'form:1',
      collectedAt: { seconds: Math.floor(collectedAtMs / 1000), nanos: (collectedAtMs % 1000) * 1e6 },
    },
    origin: 'ORIGIN_KIND_PERSON',
  }
}
