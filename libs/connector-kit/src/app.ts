import { topicPlans, topicsOf } from '@heed/contracts'
import type { RecipientId, WaitReason } from '@heed/domain'
import { systemClock } from '@heed/platform/clock'
import type { Consumer, Kafka, Publisher } from '@heed/platform/kafka'
import type { Part } from '@heed/platform/lifecycle'
import type { CheckResult } from '@heed/platform/mongo'
import type { mongo } from 'mongoose'
import { createArrivals } from './arrivals.ts'
import type { Connector } from './contract.ts'
import { watchOpen } from './figures.ts'
import { type Halt, publishedHalts } from './halts.ts'
import type { InboxRow } from './inbox/row.ts'
import { intake } from './intake.ts'
import { type OutcomeRelay, outcomeRelay } from './outcome-relay.ts'
import type { Outcomes } from './outcomes.ts'
import { createWorkshop, type WorkshopOptions } from './workshop.ts'

/** What a kind of connector runs with. */
export interface ConnectorAppOptions<Settings> extends WorkshopOptions<Settings> {
  readonly kafka: Kafka
  /** Topics and consumer groups begin with it. */
  readonly topicPrefix: string
  /** Shared with others in this process, who stop it; one of its own where absent. */
  readonly publisher?: Publisher
  /** How many outcomes may wait in memory while the broker is away; 50,000 unless told. */
  readonly mostHeld?: number
}

/** All recipients of one kind of connector, not started yet. */
export interface ConnectorApp {
  readonly name: string
  readonly parts: readonly Part[]
  /** One for each recipient. */
  readonly consumers: readonly Consumer[]
  /** The inbox rows, for tests and tools. */
  readonly rows: mongo.Collection<InboxRow>
  /**
   * Resolves when everything that was on the topics at the call is taken in, nothing is due any more, and every outcome is published. What waits for a time, a
   * vendor's job or a person goes on waiting.
   */
  settle(): Promise<void>
  readiness(): Promise<CheckResult[]>
  /** Why a recipient as a whole waits, where it does. */
  recipientReason(recipientId: RecipientId): WaitReason | undefined
}

/**
 * All that serves the recipients of one kind: intake, workers, relay and figures.
 * @throws SettingsError that names the recipient and the field.
 */
export async function connectorApp<Settings>(
  connector: Connector<Settings>,
  options: ConnectorAppOptions<Settings>,
): Promise<ConnectorApp> {
  const { recipients, kafka, clock, metrics, probe = () => undefined } = options
  const ids = recipients.map(({ id }) => id)
  const topics = topicsOf(options.topicPrefix)
  const publisher = options.publisher ?? kafka.publisher()
  // started before any work, stopped after all of it
  let relay: OutcomeRelay | undefined
  const outcomesOf: Outcomes = {
    post: (letter) => relay?.post(letter),
    close: (record, recipientId) => relay?.close(record, recipientId),
    replace: (record, recipientId, verdicts) => relay?.replace(record, recipientId, verdicts),
    rowsWritten: () => relay?.rowsWritten(),
  }
  const halts: { publish?: Halt } = {}
  const halt: Halt = async (recipientId, reason) => halts.publish?.(recipientId, reason)
  const workshop = await createWorkshop(connector, { halt, ...options }, outcomesOf)
  const { kind, rows, flights, inbox, controls } = workshop
  const source = `services/connectors/${kind}`
  halts.publish = publishedHalts({ publisher, topics, kind, source, clock, log: options.log })
  const log = options.log.child({ connector: kind })

  const accept = createArrivals(inbox, (_, { superseded }) => {
    if (superseded > 0) outcomesOf.rowsWritten()
  })
  const consumers = ids.map((recipientId) =>
    kafka.consumer({
      groupId: `${options.topicPrefix}.connector.${recipientId}`,
      topics: [topics.deliveries(recipientId), topics.controls, ...(workshop.hears(recipientId) ? [topics.callbacks] : [])],
      fromBeginning: true,
      concurrency: partitionsAtOnce,
      // what a row knows already writes nothing
      commitEveryMs,
      log,
      metrics,
      handle: intake({
        recipientId,
        accept,
        controls,
        reported: (reports) => workshop.reported(recipientId, reports),
        publisher,
        topics,
        source,
        clock,
        log,
      }),
    }),
  )

  const ground: Part = {
    name: `${kind} ground`,
    start: async () => {
      await kafka.ensureTopics(topicPlans(topics, ids))
      await workshop.prepare()
      return {
        stop: async () => {
          await workshop.close()
          if (options.publisher === undefined) await publisher.stop()
        },
      }
    },
  }
  const outcomes: Part = {
    name: `${kind} outcomes`,
    start: async () => {
      // by the machine's clock: publishing waits for nothing that a turned clock could bring
      const running = outcomeRelay({
        rows,
        flights,
        publisher,
        topics,
        source,
        clock: systemClock,
        log,
        events: workshop.events,
        probe,
        ...(options.mostHeld === undefined ? {} : { mostHeld: options.mostHeld }),
      })
      relay = running
      return {
        stop: async () => {
          // What the last requests came to still leaves, where the broker takes it; the rest leaves after the next start.
          await Promise.race([running.settle(), systemClock.sleep(lastOutcomesMs)])
          await running.stop()
        },
      }
    },
  }
  const watch: Part = {
    name: `${kind} figures`,
    start: async () => watchOpen({ rows, recipients: ids, recipientReason: workshop.recipientReason, clock, log, metrics }),
  }

  return {
    name: kind,
    parts: [ground, outcomes, ...workshop.terms, ...consumers, watch],
    consumers,
    rows,
    settle: async () => {
      await Promise.all(consumers.map((consumer) => consumer.caughtUp()))
      await workshop.settle()
      await relay?.settle()
    },
    readiness: async () => consumers.map((consumer) => consumer.health()),
    recipientReason: workshop.recipientReason,
  }
}

const lastOutcomesMs = 2_000
const commitEveryMs = 1_000
// all of a recipient's deliveries, of the controls and of the calls of partners: what comes at the same time is stored together
const partitionsAtOnce = 7
