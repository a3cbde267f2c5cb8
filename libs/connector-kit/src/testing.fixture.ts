import { createHash, randomBytes } from 'node:crypto'
import {
  type Choice,
  type Delivery,
  type DeliveryId,
  deliveryIdOf,
  type Outcome,
  type PurposeKey,
  parseDeliveryId,
  parseRecipientId,
  type Recipient,
  type RecipientId,
  type SubjectId,
  subjectIdOf,
} from '@heed/domain'
import { ManualClock } from '@heed/platform/clock'
import { startAll } from '@heed/platform/lifecycle'
import { type LogFields, type Logger, silentLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { connectMongo, type MongoConnection } from '@heed/platform/mongo'
import type { mongo } from 'mongoose'
import { inject } from 'vitest'
import type { Answer, Connector, Descriptor, HttpAnswer, NoAnswer, PlannedRequest, Transport } from './contract.ts'
import type { IdentifierDirectory, ResolvedSubject } from './identifiers.ts'
import { type FlightRow, flightOf } from './inbox/flights.ts'
import { createInboxIndexes } from './inbox/inbox.ts'
import { type InboxRow, type OutboxEntry, rowIdOf } from './inbox/row.ts'
import { entryOf } from './inbox/settlement.ts'
import { createWorkshop, type Workshop, type WorkshopOptions } from './workshop.ts'

/** The moment at which the examples of this room happen. */
export const startTime = Date.UTC(2026, 2, 1, 9, 30)

export const recipient = (text = 'mail-provider'): RecipientId => {
  const id = parseRecipientId(text)
  if (id === undefined) throw new RangeError('no recipient id')
  return id
}

export const subject = (name: string): SubjectId => subjectIdOf(createHash('sha256').update(name).digest().subarray(0, 16))

export const marketing = 'email-marketing' as PurposeKey

/** What a recipient must hold, as it stands on a topic. */
export function aDelivery(name: string, version: number, choice: Choice = 'denied', more: Partial<Delivery> = {}): Delivery {
  const recipientId = more.recipientId ?? recipient()
  const subjectId = subject(name)
  return {
    id: deliveryIdOf(recipientId, subjectId, version),
    recipientId,
    subjectId,
    version,
    assertion: 0,
    kind: 'preference',
    wanted: { [marketing]: choice },
    changed: [marketing],
    evidence: {},
    changeId: `${subjectId}/${version}` as Delivery['changeId'],
    policyVersion: '1.0',
    acceptedAt: startTime + version,
    deadlineAt: startTime + 86_400_000,
    ...more,
  }
}

export interface TestRows {
  readonly connection: MongoConnection
  readonly database: string
  readonly rows: mongo.Collection<InboxRow>
  end(): Promise<void>
}

/** An inbox collection of its own on the real database of the run. */
export async function openRows(): Promise<TestRows> {
  const connection = await connectMongo({ uri: inject('mongoUri'), appName: 'connector-kit-test', log: silentLogger })
  const database = `kit-${randomBytes(6).toString('hex')}`
  // as the kit reads them: what was written last, whether or not the disk has it
  const rows = connection
    .database(database)
    .getClient()
    .db(database)
    .collection<InboxRow>('inbox', { readConcern: { level: 'local' } })
  await createInboxIndexes(rows)
  return {
    connection,
    database,
    rows,
    end: async () => {
      await connection.database(database).dropDatabase()
      await connection.stop()
    },
  }
}

/** A recipient as a policy file names it. */
export function aRecipient(id = recipient(), settings: Record<string, unknown> = {}): Recipient {
  return {
    id,
    title: 'An example',
    role: 'processor',
    clause: '5',
    quote: '',
    purposes: [marketing],
    grants: [{ kind: 'email', form: 'raw' }],
    deadline: { hours: 24 },
    fulfilment: { by: 'connector', connector: 'example', settings },
  }
}

/** A descriptor with something of its own. */
export function aDescriptor(more: Partial<Descriptor> = {}): Descriptor {
  return {
    name: 'example',
    docs: 'https://vendor.example/docs',
    identifiers: ['email'],
    batch: { maxTasks: 100 },
    rate: { concurrentRequests: 4 },
    confirmation: 'in-response',
    timeoutMs: 1_000,
    quietAfterUnknownSeconds: 0,
    ...more,
  }
}

/** One person in a request of the example vendor. */
export interface Told {
  readonly deliveryId: DeliveryId
  readonly subjectId: SubjectId
  readonly version: number
  readonly choice: Choice
  readonly address: string
}

/** What the example vendor answers: an outcome for each delivery, a job, or anything else that an interpretation may hold. */
export interface ExampleBody {
  readonly outcomes?: readonly { readonly deliveryId: DeliveryId; readonly outcome: Outcome }[]
  readonly job?: { readonly id: string; readonly pollAfterSeconds: number }
  readonly observed?: readonly { readonly deliveryId: DeliveryId; readonly holds: 'wanted' | 'other' | 'unreadable' }[]
  readonly slowDownSeconds?: number
  readonly needsFull?: boolean
}

/** A connector without a vendor of its own: what its answers say, they say in the words of the contract. */
export function exampleConnector(
  descriptor: Descriptor,
  more: Partial<Connector<Record<string, unknown>>> = {},
): Connector<Record<string, unknown>> {
  return {
    descriptor,
    parseSettings: (settings) => ({ ...settings }),
    plan: (tasks, _, batch) =>
      tasks.length === 0 && batch.sequence === 0
        ? []
        : [
            {
              via: 'http',
              intent: 'assert',
              name: 'example.post',
              method: 'POST',
              path: '/people',
              covers: tasks.map(({ deliveryId }) => deliveryId),
              body: {
                json: {
                  sequence: batch.sequence,
                  extent: batch.extent,
                  openedAt: batch.openedAt,
                  people: tasks.map(
                    (task): Told => ({
                      deliveryId: task.deliveryId,
                      subjectId: task.subjectId,
                      version: task.version,
                      choice: task.wanted[marketing] ?? 'denied',
                      address: task.identifiers.map(({ value }) => value).join(' '),
                    }),
                  ),
                },
              },
            },
          ],
    interpret: (request, answer) => {
      if (answer.via !== 'http') return { outcomes: [] }
      if (answer.status !== 200) {
        const retryAfterSeconds = Number(answer.headers['retry-after'])
        const reason =
          answer.status === 429
            ? 'unavailable.rate-limited'
            : answer.status === 401
              ? 'auth.refused'
              : answer.status === 422
                ? 'batch.refused'
                : 'unavailable.status'
        return {
          outcomes: request.covers.map((deliveryId) => ({
            deliveryId,
            outcome: { kind: 'deferred', reason, ...(retryAfterSeconds >= 0 ? { retryAfterSeconds } : {}) },
          })),
        }
      }
      const body = JSON.parse(answer.body.toString()) as ExampleBody
      return { outcomes: body.outcomes ?? [], ...body }
    },
    follow: (job, covers) => ({ via: 'http', intent: 'follow', name: 'example.status', method: 'GET', path: `/jobs/${job.id}`, covers }),
    ...(descriptor.readBack === undefined
      ? {}
      : {
          readBack: (tasks) => [
            {
              via: 'http',
              intent: 'read-back',
              name: 'example.read',
              method: 'GET',
              path: '/people',
              covers: tasks.map(({ deliveryId }) => deliveryId),
            },
          ],
        }),
    ...more,
  }
}

/** What a request told. */
export function toldOf(request: PlannedRequest): Told[] {
  if (request.via !== 'http' || request.body === undefined || !('json' in request.body)) return []
  return (request.body.json as { people: Told[] }).people
}

export const answerOf = (body: ExampleBody): HttpAnswer => ({
  via: 'http',
  status: 200,
  headers: {},
  body: Buffer.from(JSON.stringify(body)),
})
export const status = (code: number, headers: Record<string, string> = {}): HttpAnswer => ({
  via: 'http',
  status: code,
  headers,
  body: Buffer.alloc(0),
})
export const confirmed = (request: PlannedRequest): HttpAnswer =>
  answerOf({ outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome: { kind: 'confirmed' } })) })

/** What the vendor does with a request; by itself it confirms. */
export type Script = (request: PlannedRequest) => Answer | NoAnswer | undefined | Promise<Answer | NoAnswer | undefined>

/** A vendor that follows a script, and keeps what it was asked and what it came to hold. */
export class ScriptedVendor implements Transport {
  readonly requests: PlannedRequest[] = []
  /** What it holds, in the order in which it was told. */
  readonly told: Told[] = []
  script: Script = () => undefined

  async send(request: PlannedRequest): Promise<Answer | NoAnswer> {
    this.requests.push(request)
    const answer = (await this.script(request)) ?? confirmed(request)
    // applied where it says so, and where nobody can know
    const applied = answer.via === 'none' ? answer.sent : answer.via === 'http' && answer.status === 200
    if (applied && request.intent === 'assert') this.told.push(...toldOf(request))
    return answer
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** What it holds about a person now. */
  holds(name: string): Told | undefined {
    return this.told.findLast(({ subjectId }) => subjectId === subject(name))
  }

  get asserts(): PlannedRequest[] {
    return this.requests.filter(({ intent }) => intent === 'assert')
  }
}

/** Everybody has one address, unless `answers` says otherwise. */
export function exampleDirectory(
  answers: (subjectId: SubjectId) => Partial<ResolvedSubject> = () => ({}),
): IdentifierDirectory & { asked: number } {
  return {
    asked: 0,
    async resolve(_, items) {
      this.asked += items.length
      return items.map(({ subjectId, deliveryId }) => ({
        standing: 'active',
        identifiers: [{ kind: 'email', form: 'raw', value: `${subjectId}@example.org` }],
        newestVersion: parseDeliveryId(deliveryId)?.version ?? 1,
        ...answers(subjectId),
      }))
    },
  }
}

/** A log that a test can read. */
export function keptLog(): Logger & { lines: { level: string; event: string | undefined; fields: LogFields }[] } {
  const lines: { level: string; event: string | undefined; fields: LogFields }[] = []
  const keep = (level: string) => (fields: LogFields | Error, event?: string) => {
    lines.push({ level, event, fields: fields instanceof Error ? { error: fields } : fields })
  }
  const log = {
    lines,
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    debugEnabled: true,
    child: () => log,
  }
  return log
}

/** A workshop on real rows, with a vendor that follows a script. */
export interface TestWorkshop {
  readonly workshop: Workshop
  readonly vendor: ScriptedVendor
  readonly clock: ManualClock
  readonly log: ReturnType<typeof keptLog>
  /** Takes deliveries in, as the consumer would. */
  take(...deliveries: Delivery[]): Promise<void>
  /** Moves time, and waits until everything that became due is through. */
  after(seconds: number): Promise<void>
  settle(): Promise<void>
  row(name: string): Promise<InboxRow>
  /** The outcomes that wait to be published, with the ids under which they would be. */
  outcomes(name: string): Promise<OutboxEntry[]>
  stop(): Promise<void>
}

export interface TestWorkshopOptions extends Partial<WorkshopOptions<Record<string, unknown>>> {
  readonly opened: TestRows
  readonly descriptor?: Descriptor
  readonly connector?: Connector<Record<string, unknown>>
  readonly vendor?: ScriptedVendor
  readonly clock?: ManualClock
}

/** Starts one. The database is the one of `opened`, so that a second workshop finds what a first has left. */
export async function openWorkshop(options: TestWorkshopOptions): Promise<TestWorkshop> {
  const { opened, vendor = new ScriptedVendor(), clock = new ManualClock(startTime + 60_000), descriptor = aDescriptor() } = options
  const log = keptLog()
  const workshop = await createWorkshop(
    options.connector ?? exampleConnector(descriptor),
    {
      recipients: [aRecipient()],
      mongo: { ...opened.connection, collection: (_, name) => opened.connection.collection(opened.database, name) },
      identifiers: exampleDirectory(),
      dbPrefix: 'test',
      env: {},
      clock,
      log,
      metrics: createMetrics(),
      transport: () => vendor,
      random: () => 0.5,
      accountTtlMs: 3_000,
      ...options,
    },
    { post: () => undefined, close: () => undefined, replace: () => undefined, rowsWritten: () => undefined },
  )
  await workshop.prepare()
  const running = await startAll(workshop.terms, silentLogger)
  const row = async (name: string) => {
    const found = await opened.rows.findOne({ _id: rowIdOf(recipient(), subject(name)) })
    if (found === null) throw new Error('no such row')
    return found
  }
  return {
    workshop,
    vendor,
    clock,
    log,
    take: async (...deliveries) => {
      await workshop.inbox.accept(deliveries)
    },
    after: async (seconds) => {
      await clock.advance(seconds * 1000)
      await workshop.settle()
    },
    settle: () => workshop.settle(),
    row,
    outcomes: async (name) => {
      const recorded = await opened.connection.collection<FlightRow>(opened.database, 'flights').find().toArray()
      const told = recorded
        .map(flightOf)
        .flatMap(({ verdicts }) =>
          verdicts.flatMap(({ at, groups }) =>
            groups.flatMap(({ rows, settlement }) =>
              rows.filter(({ id }) => id === rowIdOf(recipient(), subject(name))).flatMap((one) => entryOf(settlement, one, at) ?? []),
            ),
          ),
        )
      const all = [...((await row(name)).outbox ?? []), ...told]
      return all.sort((a, b) => a.at - b.at || a.version - b.version || a.attempt - b.attempt)
    },
    stop: () => running.stop(),
  }
}
