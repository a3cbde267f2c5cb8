import { randomUUID } from 'node:crypto'
import { encodeEvent, type Topics } from '@heed/contracts'
import type { ReasonCode, RecipientId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import type { Publisher } from '@heed/platform/kafka'
import type { Logger } from '@heed/platform/log'

/** Pauses recipients that want to be told nothing any more. */
export type Halt = (recipientId: RecipientId, reason: ReasonCode) => Promise<void>

/**
 * Halts a recipient by the same record as an operator's pause, so that everybody who shows or heeds pauses knows of it, with an act for the trail. Where the broker does
 * not take it, the recipient's next answer asks for it once more.
 */
export function publishedHalts(options: {
  readonly publisher: Publisher
  readonly topics: Topics
  /** Who pauses: the kind of connector. */
  readonly kind: string
  readonly source: string
  readonly clock: Clock
  readonly log: Logger
}): Halt {
  const { publisher, topics, kind, source, clock, log } = options
  const underWay = new Set<RecipientId>()
  return async (recipientId, reason) => {
    // requests that were under way together are answered alike
    if (underWay.has(recipientId)) return
    underWay.add(recipientId)
    const at = clock.now()
    const by = `connector-${kind}`
    const actId = `halt/${recipientId}/${randomUUID()}`
    const pause = { recipientId, paused: true, by, reason, at }
    const act = { actId, at, by, act: 'recipient-paused' as const, recipientId, why: reason }
    log.error({ recipientId, reason }, 'recipient.halted')
    try {
      await publisher.publish([
        {
          topic: topics.controls,
          ...encodeEvent('heed.recipient.paused.v1', recipientId, pause, { id: `${recipientId}@${at}`, source, time: at }),
        },
        { topic: topics.acts, ...encodeEvent('heed.operator.acted.v1', recipientId, act, { id: actId, source, time: at }) },
      ])
    } catch (thrown) {
      log.warn({ recipientId, error: asError(thrown) }, 'halt.unpublished')
    } finally {
      underWay.delete(recipientId)
    }
  }
}
