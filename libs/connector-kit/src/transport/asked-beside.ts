import type { HttpAnswer, HttpRequest, Transport, TransportTools } from '../contract.ts'

/** Something that is asked of a vendor beside the work: whether the account has lists that nobody configured, say. */
export interface BesideQuestion {
  readonly question: HttpRequest
  /** Takes in an answer of 2xx; gives the next question where there is more of it. */
  heard(answer: HttpAnswer): HttpRequest | undefined
  /** How long an answer is good; a day unless told. */
  readonly everyMs?: number
}

const dayMs = 86_400_000
const againMs = 3_600_000
const maxPages = 50

/**
 * A transport that asks once in a while, after a request that went well, and in the background: the question delays no request and no fault of it shows in one.
 * An answer that is none is asked for again after an hour.
 */
export function askedBeside(
  inner: Transport,
  { question, heard, everyMs = dayMs }: BesideQuestion,
  { clock, log }: Pick<TransportTools, 'clock' | 'log'>,
): Transport {
  let dueAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> = Promise.resolve()
  const stopping = new AbortController()

  const ask = async (timeoutMs: number): Promise<void> => {
    let next: HttpRequest | undefined = question
    for (let page = 0; next !== undefined && page < maxPages; page += 1) {
      const answer = await inner.send(next, { timeoutMs, signal: stopping.signal })
      if (answer.via !== 'http' || answer.status < 200 || answer.status >= 300) {
        dueAt = clock.now() + againMs
        return
      }
      next = heard(answer)
    }
  }

  return {
    send: async (request, options) => {
      const answer = await inner.send(request, options)
      const went = answer.via === 'http' && answer.status >= 200 && answer.status < 300
      if (went && clock.now() >= dueAt) {
        dueAt = clock.now() + everyMs
        asking = asking.then(() => ask(options.timeoutMs)).catch(() => log.warn({ request: question.name }, 'transport.question-failed'))
      }
      return answer
    },
    close: async () => {
      stopping.abort()
      await asking
      await inner.close()
    },
  }
}
