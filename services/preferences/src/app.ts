import { randomUUID } from 'node:crypto'
import { loadService, topicsOf } from '@heed/contracts'
import { decideSuppressed, type Policy, type SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { type CallerStore, GrpcFault, type GrpcServer, grpcServer, type ServedService } from '@heed/platform/grpc'
import type { Kafka } from '@heed/platform/kafka'
import { once, type Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import { type CheckResult, groupCommit, type MongoConnection } from '@heed/platform/mongo'
import { type PolicyLoadedRow, source } from './acts.ts'
import { disclosureGate } from './authorize-disclosure.ts'
import { batchReader } from './batch-reader.ts'
import { bell } from './bell.ts'
import { changesWatch } from './changes-watch.ts'
import { destroyer } from './destroy-identifiers.ts'
import { directory, type Interruption } from './directory.ts'
import { type Duties, unknownDuties } from './duties.ts'
import { eraser } from './erase-subject.ts'
import { type ErasureTimes, erasureSweep } from './erasure-sweep.ts'
import { changeHandlers } from './grpc-changes.ts'
import { erasureHandlers, erasureScopes } from './grpc-erasure.ts'
import { identifierHandlers, linkHandlers } from './grpc-links.ts'
import { readHandlers } from './grpc-reads.ts'
import { suppressionImport } from './import-suppressions.ts'
import { intake } from './intake.ts'
import { journal, readNewest, rowOf } from './journal.ts'
import { journalCount } from './journal-count.ts'
import { checkKeys, rewrapping } from './key-checks.ts'
import type { PreferencesKeys } from './keys.ts'
import { linker } from './link-identifiers.ts'
import { people } from './people.ts'
import { type Relay, relay } from './relay.ts'
import type { RelayStep } from './relay-changes.ts'
import { resolver } from './resolve-identifiers.ts'
import { type ChangeRow, ensureIndexes, openStore, type Store } from './rows.ts'
import { type Suppression, suppressions } from './suppressions.ts'
import { links } from './unsubscribe-links.ts'
import { Vault } from './vault.ts'

/** How the service is set up, apart from what it shares with others. */
export interface PreferencesConfig {
  readonly dbPrefix: string
  readonly topicPrefix: string
  /** 0 takes a free one; `PreferencesApp.server.port` says which. */
  readonly port: number
  readonly host?: string
  readonly publicUrl: string
  readonly unsubscribeMailto?: string
  readonly reflection: boolean
  readonly keys: PreferencesKeys
  /** How long the stages of an erasure may take; the defaults of `erasureTimes` where absent. */
  readonly erasure?: Partial<ErasureTimes>
  /** How often the trail is told how much was published, at most; ten minutes unless told. */
  readonly journalCountMs?: number
}

/** What the service shares with others of the same process. */
export interface PreferencesAdapters {
  readonly mongo: MongoConnection
  readonly kafka: Kafka
  readonly callers: CallerStore
  readonly policy: Policy
  /** SHA-256 of the policy file, as the trail has it. */
  readonly policySha256: string
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Metrics
  /** What is still owed to whom. Without it an erasure waits for its times to pass. */
  readonly duties?: Duties
  /** For fault tests: called between two writes that a crash may part; what it throws is the crash. */
  readonly interrupt?: Interruption
  /** For fault tests: called after the steps of the relay. */
  readonly afterRelayStep?: (step: RelayStep) => void | Promise<void>
}

/** The service as a process, the hub or a test starts it. */
export interface PreferencesApp {
  /** In the order of their start. */
  readonly parts: readonly Part[]
  readonly server: GrpcServer
  readonly relay: Relay
  readonly store: Store
  /** Finishes links and merges that a crash left half done and that are older than this. The leader does so by itself. */
  finishLinks(olderThan: Date): Promise<number>
  /** Carries on the erasures that are due, once. The leader does so by itself. */
  advanceErasures(): Promise<void>
  /** Requests to change choices that wait or are under way. */
  waiting(): number
  readiness(): Promise<CheckResult[]>
}

/** An hour for opt-outs, 30 days for everything, and five seconds for processes that are slow. */
export const erasureTimes: ErasureTimes = { optOutWaitMs: 3_600_000, limitMs: 30 * 24 * 3_600_000, copiesMs: 5_000 }

const journalCountMs = 10 * 60_000

/** Halfway links and merges older than this were left by a crash. */
const finishAfterMs = 30_000

const scopes = {
  SetPreferences: 'preferences:write',
  StreamPreferences: 'preferences:write',
  GetPreferences: 'preferences:read',
  CheckPermission: 'permission:check',
  BatchCheckPermission: 'permission:check',
  PlanChange: 'preferences:read',
  WatchChanges: 'changes:watch',
  ScanSnapshots: 'snapshots:scan',
  LinkIdentifiers: 'identifiers:link',
  CreateUnsubscribeLinks: 'links:create',
  UseUnsubscribeLinks: 'links:use',
  GetPolicy: 'policy:read',
  ...erasureScopes,
} as const

// an act may stand for ten thousand hand-overs
const actsAtOnce = 20

/**
 * What each subject chose, over gRPC, with the relay that publishes it. Nothing runs before the parts are started; the first of them checks keys and indexes.
 */
export function preferencesApp(config: PreferencesConfig, adapters: PreferencesAdapters): PreferencesApp {
  const { mongo, kafka, callers, policy, log, clock, metrics, interrupt, afterRelayStep } = adapters
  const store = openStore(mongo, config.dbPrefix)
  const vault = new Vault(config.keys)
  const published = bell()
  const [signingKey] = config.keys.links
  if (signingKey === undefined) throw new TypeError('no link key')

  const outcomes = metrics.counter({ name: 'heed_preferences_requests_total', help: 'Requests to change choices', labels: ['outcome'] })
  const newest = batchReader({ read: (ids) => readNewest(store, ids), maxKeys: 1_000, concurrency: 4 } satisfies Parameters<
    typeof batchReader<ChangeRow['subjectId'], ChangeRow>
  >[0])
  const rows = journal((ids) => newest.load(ids))
  const recorded = () => changesRelay.wakeActs()
  const acts = groupCommit({ collection: store.acts, maxBatch: actsAtOnce, maxQueue: 10_000, log, concurrency: 4 })
  /** Changes or acts were stored, and which ones is not said. */
  const wake = () => {
    changesRelay.wake()
    changesRelay.wakeActs()
  }
  const interruption = interrupt === undefined ? {} : { interrupt }
  const held = suppressions({ store, vault })
  const firstVersion = (subjectId: SubjectId, { since, child }: Suppression) =>
    decideSuppressed({
      policy,
      subjectId,
      since,
      ...(child ? { barred: 'known-child' } : {}),
      origin: { kind: 'internal-service', caller: 'preferences' },
      now: clock.now(),
    })
  const suppressedSnapshot = (suppression: Suppression) => firstVersion('' as SubjectId, suppression).snapshot
  const owners = directory({
    store,
    vault,
    suppressions: held,
    suppressedRow: (subjectId, suppression) => rowOf(firstVersion(subjectId, suppression), {}),
    committed: wake,
    clock,
    log,
    ...interruption,
  })
  const changes = intake({
    store,
    directory: owners,
    journal: rows,
    suppressions: held,
    suppressedSnapshot,
    policy,
    clock,
    log,
    committed: (made) => changesRelay.offer(made),
  })
  const joins = linker({
    store,
    directory: owners,
    journal: rows,
    suppressions: held,
    policy,
    clock,
    committed: wake,
    ...interruption,
  })
  const times = { ...erasureTimes, ...config.erasure }
  const erasures = eraser({
    store,
    directory: owners,
    journal: rows,
    linker: joins,
    suppressions: held,
    policy,
    clock,
    committed: wake,
    ...interruption,
  })
  const sweepErasures = erasureSweep({
    store,
    eraser: erasures,
    destroyer: destroyer({ store, directory: owners, suppressions: held, vault, clock, ...interruption }),
    duties: adapters.duties ?? unknownDuties,
    times,
    clock,
    log,
    metrics,
  })
  const changesRelay = relay({
    store,
    kafka,
    topics: topicsOf(config.topicPrefix),
    holder: randomUUID(),
    clock,
    log,
    metrics,
    published,
    sweeps: [
      {
        name: 'links.finish',
        everyMs: finishAfterMs,
        run: async () => {
          const found = await joins.finish(new Date(clock.now() - finishAfterMs))
          if (found > 0) log.warn({ found }, 'links.finished-after-crash')
          return 'idle'
        },
      },
      { name: 'erasures', everyMs: 1_000, run: sweepErasures },
      {
        name: 'journal.count',
        everyMs: 60_000,
        run: journalCount({ store, clock, everyMs: config.journalCountMs ?? journalCountMs, recorded }),
      },
      { name: 'keys.rewrap', everyMs: 10 * 60_000, run: rewrapping({ store, vault, clock, log }) },
    ],
    ...(afterRelayStep === undefined ? {} : { afterStep: afterRelayStep }),
  })

  const door = { policy, vault }
  const now = () => clock.now()
  const persons = people({ store, directory: owners, journal: rows, suppressions: held, suppressedSnapshot })
  const mailLinks = links({
    store,
    directory: owners,
    journal: rows,
    suppressions: held,
    intake: changes,
    policy,
    signingKey,
    publicUrl: config.publicUrl,
    ...(config.unsubscribeMailto === undefined ? {} : { mailto: config.unsubscribeMailto }),
    clock,
    recorded,
  })
  const preferences: ServedService = {
    definition: loadService('heed.preferences.v1.PreferenceService'),
    handlers: {
      ...changeHandlers({
        door,
        intake: changes,
        linker: joins,
        store,
        now,
        recorded,
        counted: (outcome) => outcomes.add({ outcome }),
      }),
      ...readHandlers({ door, people: persons, journal: rows, store, watch: changesWatch({ store, clock, published }), now }),
      ...linkHandlers({ door, links: mailLinks }),
      ...erasureHandlers({
        door,
        eraser: erasures,
        people: persons,
        suppressionImport: suppressionImport({ directory: owners, journal: rows, suppressions: held, intake: changes, policy, clock }),
        disclosures: disclosureGate({ store, people: persons, directory: owners, policy, clock, recorded }),
        store,
        limitMs: times.limitMs,
        now,
        recorded: wake,
      }),
    },
    scopes,
    hot: ['SetPreferences', 'CheckPermission', 'BatchCheckPermission', 'GetPreferences', 'UseUnsubscribeLinks'],
  }
  const identifiers: ServedService = {
    definition: loadService('heed.identifiers.v1.IdentifierService'),
    handlers: identifierHandlers({
      door,
      resolver: resolver({ acts, directory: owners, journal: rows, vault, policyVersion: policy.version, clock, log, recorded }),
    }),
    scopes: { ResolveIdentifiers: 'identifiers:resolve:*', HandOverIdentifiers: 'identifiers:hand-over:*' },
    hot: ['ResolveIdentifiers'],
  }
  const server = grpcServer({
    name: 'preferences',
    port: config.port,
    ...(config.host === undefined ? {} : { host: config.host }),
    services: [preferences, identifiers],
    callers,
    log,
    metrics,
    reflection: config.reflection,
    clock,
    translate: unconfirmed,
  })

  const journalPart: Part = {
    name: 'journal',
    start: async () => {
      await ensureIndexes(store)
      await checkKeys(store, vault)
      await store.acts.insertOne(policyLoaded(policy, adapters.policySha256, clock.now()))
      return { stop: async () => undefined }
    },
  }
  // stopped between the server and the relay: what was taken is answered, and what was answered has a chance to be published
  const intakePart: Part = {
    name: 'intake',
    start: async () => ({
      stop: once(async () => {
        await changes.stop()
        await owners.stop()
        await acts.stop()
      }),
    }),
  }

  return {
    parts: [journalPart, changesRelay, intakePart, server],
    server,
    relay: changesRelay,
    store,
    finishLinks: joins.finish,
    advanceErasures: async () => {
      await sweepErasures(new AbortController().signal)
    },
    waiting: () => changes.waiting,
    // not the broker: intake goes on without it, and the outbox metric tells
    readiness: async () => [await mongo.health()],
  }
}

/** A write that was taken and not confirmed by a majority may be lost or not: its caller repeats the request. */
function unconfirmed(error: Error): GrpcFault | undefined {
  const { result, code } = error as { result?: { getWriteConcernError?(): unknown }; code?: unknown }
  const writeConcern = error.name === 'MongoWriteConcernError' || code === 64 || result?.getWriteConcernError?.() !== undefined
  return writeConcern ? GrpcFault.unavailable('NOT_CONFIRMED', 'the database did not confirm the change in time', 1, error) : undefined
}

function policyLoaded(policy: Policy, sha256: string, now: number): PolicyLoadedRow {
  return {
    _id: `policy/${randomUUID()}`,
    type: 'heed.policy.loaded.v1',
    at: new Date(now),
    by: source,
    publishedAt: null,
    policyId: policy.id,
    policyVersion: policy.version,
    sha256,
  }
}
