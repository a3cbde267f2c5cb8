import type { Recipient, RecipientId, WaitReason } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import { type Part, shared } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import type { LeaseRow, MongoConnection } from '@heed/platform/mongo'
import type { mongo } from 'mongoose'
import { type Account, createAccount } from './account/account.ts'
import { createGate } from './account/gate.ts'
import { allLimits, type DayCount, dayLimit, minuteLimit } from './account/limits.ts'
import { type AccountTerm, accountTerm } from './account/term.ts'
import type { Connector, Descriptor, JobReport, Transport, TransportTools } from './contract.ts'
import { type Controls, createControls } from './controls.ts'
import { type WorkEvents, workEvents } from './events.ts'
import type { Halt } from './halts.ts'
import type { IdentifierDirectory } from './identifiers.ts'
import { createFlights, type FlightRow, type Flights } from './inbox/flights.ts'
import { createInbox, createInboxIndexes, type Inbox } from './inbox/inbox.ts'
import { createLine } from './inbox/line.ts'
import type { InboxRow } from './inbox/row.ts'
import { createStandingRows } from './inbox/standing-rows.ts'
import type { Outcomes } from './outcomes.ts'
import { referencedCredentials, resolveReferences, SettingsError } from './settings.ts'
import { separateUpkeep, type Upkeep, upkeepOf } from './upkeep.ts'
import { type BatchItemRows, createBatchIndexes, createBatchStore, type StoredBatch } from './worker/batch-store.ts'
import { type Cadence, createCadence } from './worker/cadence.ts'
import type { Probe, RecipientWork } from './worker/recipient.ts'
import { type RecipientState, recipientStates } from './worker/recipient-state.ts'
import { createReportIndexes, createReports, type StoredReport } from './worker/reports.ts'
import { takeOver } from './worker/take-over.ts'
import { createWorker, type Worker } from './worker/worker.ts'

/** What the work for recipients of one kind needs, beside the broker. */
export interface WorkshopOptions<Settings> {
  /** The recipients of this kind, as the policy names them. */
  readonly recipients: readonly Recipient[]
  readonly mongo: MongoConnection
  readonly identifiers: IdentifierDirectory
  /** Databases are named `<dbPrefix>_connector_<kind>`. */
  readonly dbPrefix: string
  /** Where `env:NAME` is looked up. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** How long a worker without anything to do sleeps at the most: how soon it sees what another process took in. 5 s unless told. */
  readonly sweepMs?: number
  /** Shared with other kinds in this process; one of its own where absent. */
  readonly cadence?: Cadence
  /** How long an account stays with a process that died; 10 s unless told. */
  readonly accountTtlMs?: number
  /** How long what is under way may take when the process stops; 8 s unless told. */
  readonly drainMs?: number
  /** Pauses a recipient that wants to be told nothing any more; in this database alone where absent. */
  readonly halt?: Halt
  /** In place of the connector's own `connect`: for tests. */
  readonly transport?: (recipient: Recipient, settings: Settings, tools: TransportTools) => Transport
  /** For fault tests. */
  readonly probe?: Probe
  /** In [0, 1), for jitter and samples. */
  readonly random?: () => number
}

/** Inbox, workers and accounts of one kind of connector: all of it but the broker. */
export interface Workshop {
  readonly kind: string
  readonly rows: mongo.Collection<InboxRow>
  /** What it takes in, the workers of this process know at once. */
  readonly inbox: Inbox
  readonly flights: Flights
  readonly controls: Controls
  readonly events: WorkEvents
  /** One part for each account. */
  readonly terms: readonly Part[]
  /** Makes the indexes. */
  prepare(): Promise<void>
  /** Resolves when nothing is due any more for the accounts that this process holds. */
  settle(): Promise<void>
  /** When reported returns, a vendor's own reports about jobs are durable; each is heard as soon as its job is known. */
  reported(recipientId: RecipientId, reports: readonly JobReport[]): Promise<void>
  /** Whether the recipient's vendor reports by itself. */
  hears(recipientId: RecipientId): boolean
  recipientReason(recipientId: RecipientId): WaitReason | undefined
  /** Frees the transports. */
  close(): Promise<void>
}

interface Configured<Settings> {
  readonly recipient: Recipient
  readonly settings: Settings
  readonly descriptor: Descriptor
  readonly upkeep: Upkeep
  readonly accountId: string
}

function settingsOf(recipient: Recipient): Readonly<Record<string, unknown>> {
  const { fulfilment } = recipient
  switch (fulfilment.by) {
    case 'connector':
      return fulfilment.settings
    case 'person':
      return { ownerRole: fulfilment.ownerRole, instruction: fulfilment.instruction }
    case 'nobody':
      throw new SettingsError(recipient.id, 'nobody has to be told: it has no connector')
    default:
      return fulfilment satisfies never
  }
}

async function configure<Settings>(
  connector: Connector<Settings>,
  recipient: Recipient,
  options: WorkshopOptions<Settings>,
): Promise<Configured<Settings>> {
  try {
    const { given, own } = separateUpkeep(await resolveReferences(settingsOf(recipient), options.env))
    const settings = connector.parseSettings(own)
    const descriptor = typeof connector.descriptor === 'function' ? connector.descriptor(settings) : connector.descriptor
    // it would be told to erase, take the person off its lists, and call that an erasure
    if (recipient.erasure !== undefined && descriptor.erasure !== true) {
      throw new SettingsError('erasure', `a ${descriptor.name} connector cannot erase: leave it out at recipient ${recipient.id}`)
    }
    const upkeep = upkeepOf(given, descriptor)
    return { recipient, settings, descriptor, upkeep, accountId: connector.account?.(settings) ?? recipient.id }
  } catch (thrown) {
    if (thrown instanceof SettingsError)
      throw new SettingsError(`${recipient.id}: ${thrown.field}`, thrown.message.slice(thrown.field.length + 2))
    throw thrown
  }
}

/** A transport for connectors whose plans never hold a request. */
const noTransport: Transport = {
  send: () => Promise.reject(new TypeError('this kind of connector has no `connect`')),
  close: () => Promise.resolve(),
}

/**
 * The work for the recipients of one kind. What is decided is handed to `outcomes`.
 * @throws SettingsError that names the recipient and the field.
 */
export async function createWorkshop<Settings>(
  connector: Connector<Settings>,
  options: WorkshopOptions<Settings>,
  outcomes: Outcomes,
): Promise<Workshop> {
  const {
    recipients,
    clock,
    metrics,
    log,
    probe = () => undefined,
    random = Math.random,
    sweepMs = 5_000,
    cadence = createCadence(),
  } = options
  const configured = await Promise.all(recipients.map((recipient) => configure(connector, recipient, options)))
  const kind = typeof connector.descriptor === 'function' ? (configured[0]?.descriptor.name ?? 'connector') : connector.descriptor.name
  const collection = <Row extends mongo.Document>(name: string) =>
    options.mongo.collection<Row>(`${options.dbPrefix}_connector_${kind}`, name)
  const rows = collection<InboxRow>('inbox')
  const batchRows = collection<StoredBatch>('batches')
  const itemRows: BatchItemRows = collection('batchItems')
  const counts = collection<DayCount>('dayCounts')
  const leases = collection<LeaseRow>('leases')

  const line = createLine(rows, clock)
  const standing = createStandingRows(rows)
  const flights = createFlights(collection<FlightRow>('flights'))
  const batches = createBatchStore(batchRows, itemRows)
  const reportRows = collection<StoredReport>('reports')
  const reports = createReports(reportRows, () => clock.now())
  const states = recipientStates(collection<RecipientState>('recipients'))
  const events = workEvents(log, metrics)
  const credentials = referencedCredentials(options.env, { log })

  /** What was put off because a recipient failed need not wait any longer. */
  const hurry = async (recipientId: RecipientId) => {
    await Promise.all([line.hurry(recipientId), batches.hurry(recipientId)])
    workers.get(recipientId)?.steer()
  }
  const pauseHere: Halt = async (recipientId) => {
    await states.steer(recipientId, { paused: true, by: `connector-${kind}`, at: clock.now() })
    workers.get(recipientId)?.steer()
  }
  const halt = options.halt ?? pauseHere
  const workers = new Map<RecipientId, Worker>()
  const works = new Map<RecipientId, RecipientWork<Settings>>()
  const accountOf = new Map<RecipientId, Account>()
  const transports: Transport[] = []
  const terms: AccountTerm[] = []
  const termOf = new Map<RecipientId, AccountTerm>()

  for (const [accountId, members] of byAccount(configured)) {
    const [first] = members
    if (first === undefined) continue
    const { rate } = first.descriptor
    const limits = [
      ...(rate.requestsPerMinute === undefined ? [] : [minuteLimit(rate.requestsPerMinute, clock)]),
      ...(rate.requestsPerDay === undefined ? [] : [await dayLimit(rate.requestsPerDay, { counts, account: accountId, clock })]),
    ]
    const gate = createGate({
      account: accountId,
      descriptor: first.descriptor,
      clock,
      log,
      random,
      onRecovered: () => {
        for (const { recipient } of members) {
          hurry(recipient.id).catch((thrown: unknown) => log.warn({ recipientId: recipient.id, error: thrown }, 'worker.failed'))
        }
      },
    })
    const account = createAccount({
      id: accountId,
      descriptor: first.descriptor,
      gate,
      limit: allLimits(limits, clock),
      clock,
      isHeld: () => term.isHeld(),
    })
    const own: Worker[] = []
    for (const { recipient, settings, descriptor, upkeep } of members) {
      const development = options.env.HEED_ENV === 'development' ? { development: true as const } : {}
      const tools: TransportTools = { recipientId: recipient.id, credentials, descriptor, clock, log, ...development }
      const transport = options.transport?.(recipient, settings, tools) ?? connector.connect?.(settings, tools) ?? noTransport
      transports.push(transport)
      const work: RecipientWork<Settings> = {
        recipientId: recipient.id,
        sender: {
          connector,
          settings,
          descriptor,
          account,
          transport,
          clock,
          log,
          measured: (request, result, durationMs) => events.requestSent(recipient.id, request, result, durationMs),
          answered: () => probe('answered'),
          halted: (reason) => {
            halt(recipient.id, reason).catch((thrown: unknown) =>
              log.warn({ recipientId: recipient.id, error: asError(thrown) }, 'halt.failed'),
            )
          },
        },
        line,
        standing,
        flights,
        batches,
        states,
        upkeep,
        reports,
        beginning: new Set(),
        directory: options.identifiers,
        clock,
        log,
        events,
        random,
        probe,
        outcomes,
      }
      const worker = createWorker(work, { sweepMs, cadence })
      workers.set(recipient.id, worker)
      works.set(recipient.id, work)
      accountOf.set(recipient.id, account)
      own.push(worker)
    }
    const term: AccountTerm = accountTerm({
      account: accountId,
      leases,
      workers: own,
      ...(options.accountTtlMs === undefined ? {} : { ttlMs: options.accountTtlMs }),
      ...(options.drainMs === undefined ? {} : { drainMs: options.drainMs }),
      begin: async () => {
        // at the beginning of a term nothing can be in flight but what an earlier holder left
        for (const { recipient } of members) {
          const work = works.get(recipient.id)
          if (work !== undefined) await takeOver(work)
        }
        outcomes.rowsWritten()
      },
      log,
    })
    terms.push(term)
    for (const { recipient } of members) termOf.set(recipient.id, term)
  }

  const controls = createControls(
    rows,
    states,
    {
      resumed: (recipientId) => {
        accountOf.get(recipientId)?.gate.reset()
        return hurry(recipientId)
      },
      rowsWritten: outcomes.rowsWritten,
    },
    log,
  )
  const stored = createInbox(rows, {
    clock,
    newerMayOvertake: (recipientId) => {
      const descriptor = works.get(recipientId)?.sender.descriptor
      return descriptor?.jobs?.newerMayOvertake ?? descriptor?.batch.sequenced === true
    },
  })

  const inbox: Inbox = {
    accept: async (deliveries) => {
      const ids = new Set(deliveries.map(({ recipientId }) => recipientId))
      const arrivals = new Map([...ids].map((id) => [id, workers.get(id)?.arriving()]))
      const accepted = await stored.accept(deliveries)
      for (const [recipientId, { wanted, added }] of accepted) if (wanted > 0) arrivals.get(recipientId)?.(wanted, added)
      return accepted
    },
  }

  // partners call about one person at a time; nobody waits for it
  const keepReports = shared(async (calls: readonly { readonly recipientId: RecipientId; readonly said: readonly JobReport[] }[]) => {
    const recipientIds = new Set(calls.map(({ recipientId }) => recipientId))
    for (const recipientId of recipientIds) {
      await reports.keep(
        recipientId,
        calls.flatMap((call) => (call.recipientId === recipientId ? call.said : [])),
      )
      workers.get(recipientId)?.heard()
    }
  }, reportsLingerMs)

  return {
    kind,
    rows,
    inbox,
    flights,
    controls,
    events,
    terms,
    prepare: async () => {
      await createInboxIndexes(rows)
      await createBatchIndexes(batchRows, itemRows)
      await createReportIndexes(reportRows)
    },
    settle: async () => {
      const mine = [...workers].filter(([recipientId]) => termOf.get(recipientId)?.isHeld() === true)
      await Promise.all(mine.map(([, worker]) => worker.settle()))
    },
    reported: (recipientId, said) => keepReports({ recipientId, said }),
    hears: (recipientId) => works.get(recipientId)?.sender.descriptor.jobs?.reported === true,
    recipientReason: (recipientId) => (workers.get(recipientId)?.paused ? 'paused' : accountOf.get(recipientId)?.gate.trouble),
    close: async () => {
      await Promise.all(transports.map((transport) => transport.close().catch(() => undefined)))
    },
  }
}

const reportsLingerMs = 100

function byAccount<Settings>(configured: readonly Configured<Settings>[]): Map<string, Configured<Settings>[]> {
  const accounts = new Map<string, Configured<Settings>[]>()
  for (const one of configured) accounts.set(one.accountId, [...(accounts.get(one.accountId) ?? []), one])
  return accounts
}
