import type { Kafka } from '@heed/platform/kafka'

/** Moments between two steps that a crash may part, where a fault test ends the process. */
export type FaultPoint =
  /** A change is in the journal; nothing of it is published. */
  | 'change.inserted'
  /** A change is published; the journal does not know it yet. */
  | 'change.published'
  /** Deliveries are in an inbox; their offsets are not committed. */
  | 'inbox.written'
  /** The vendor has answered; nothing of it is stored. */
  | 'vendor.answered'
  /** It is recorded what became of deliveries; their rows do not know it. */
  | 'delivery.decided'
  /** Deliveries are settled; their outcomes are not published. */
  | 'delivery.settled'
  /** Outcomes are published; what was recorded of them is still there. */
  | 'outcome.published'
  | ErasureFaultPoint

/** Places between two writes of an erasure, in the order in which it passes them. */
export const erasureFaultPoints = [
  'erasure-noted',
  'erasure-denied',
  'erasure-told',
  'erasure-suppressed',
  'erasure-counted',
  'erasure-keys-destroyed',
  'erasure-identifiers-deleted',
  'erasure-journal-stripped',
] as const

/** One of `erasureFaultPoints`. */
export type ErasureFaultPoint = (typeof erasureFaultPoints)[number]

/** The fault point of that name, where it is one of an erasure. */
export function erasureFaultPoint(name: string): ErasureFaultPoint | undefined {
  return erasureFaultPoints.find((point) => point === name)
}

/** Called at each of them, with the kind of connector that is there, where one is. */
export type FaultProbe = (point: FaultPoint, kind?: string) => void | Promise<void>

/** The broker, with a moment before each publish. */
export function probedPublishing(kafka: Kafka, probe: () => void | Promise<void>): Kafka {
  return {
    ...kafka,
    publisher: (options) => {
      const publisher = kafka.publisher(options)
      return {
        get healthy() {
          return publisher.healthy
        },
        publish: async (records) => {
          await probe()
          await publisher.publish(records)
        },
        stop: () => publisher.stop(),
      }
    },
  }
}

/** The broker, with a moment between the handling of a batch and the commit of its offsets. */
export function probedConsuming(kafka: Kafka, probe: () => void | Promise<void>): Kafka {
  return {
    ...kafka,
    consumer: (options) =>
      kafka.consumer({
        ...options,
        handle: async (batch) => {
          await options.handle(batch)
          await probe()
        },
      }),
  }
}
