import { randomUUID } from 'node:crypto'
import type { Answer, HttpAnswer, HttpRequest, NoAnswer, Transport } from '@heed/connector-kit'
import type { Clock } from '@heed/platform/clock'

/** A header that no partner sends: how many messages it has refused in a row, this one counted. Added where answers come in, since no single answer tells. */
export const inARowHeader = 'heed-refused-in-a-row'

const refusesMessage = (status: number): boolean =>
  status >= 400 && status < 500 && ![401, 403, 404, 405, 408, 410, 415, 425, 429].includes(status)

/** Counts what is refused in a row, and makes a time to try again one that needs no clock. */
export function noteRefusals(clock: Clock): (answer: HttpAnswer) => HttpAnswer {
  let inARow = 0
  return (answer) => {
    if (answer.status >= 200 && answer.status < 300) inARow = 0
    const added: Record<string, string> = {}
    if (refusesMessage(answer.status)) {
      inARow += 1
      added[inARowHeader] = String(inARow)
    }
    const date = answer.headers['retry-after']
    const at = date === undefined || /^\d+$/.test(date) ? Number.NaN : Date.parse(date)
    if (!Number.isNaN(at)) added['retry-after'] = String(Math.max(0, Math.ceil((at - clock.now()) / 1000)))
    const { [inARowHeader]: _, ...headers } = answer.headers
    return { ...answer, headers: { ...headers, ...added } }
  }
}

/**
 * Sends a `ping` before anything else: whoever does not answer it by a 2xx is not (or not yet) the partner that this address was given for, and is sent nothing about
 * anybody. What the answer says about the endpoint stands for the message that waited.
 */
export function provenTransport(inner: Transport, path: string, clock: Clock): Transport {
  let proven = false
  let asking: Promise<Answer | NoAnswer> | undefined

  const ping = async (options: Parameters<Transport['send']>[1]): Promise<Answer | NoAnswer> => {
    const question: HttpRequest = {
      via: 'http',
      intent: 'read-back',
      name: 'ping.post',
      method: 'POST',
      path,
      covers: [],
      headers: { 'webhook-id': `evt_ping_${randomUUID()}`, 'content-type': jsonType },
      body: { json: { type: 'ping', timestamp: new Date(clock.now()).toISOString(), data: {} } },
    }
    const answer = await inner.send(question, options)
    if (answer.via === 'http' && answer.status >= 200 && answer.status < 300) proven = true
    return answer
  }

  return {
    send: async (request, options) => {
      if (proven) return inner.send(request, options)
      asking ??= ping(options).finally(() => {
        asking = undefined
      })
      const answer = await asking
      if (proven) return inner.send(request, options)
      if (answer.via === 'none') return { ...answer, sent: false }
      // a word about the ping is none about the person whose message waited
      if (answer.via !== 'http' || refusesMessage(answer.status) || answer.headers['webhook-delivery'] !== undefined)
        return { via: 'none', sent: false, reason: 'configuration.ping-refused' }
      return answer
    },
    close: () => inner.close(),
  }
}

/** The media type of messages. */
export const jsonType = 'application/json; charset=utf-8'
