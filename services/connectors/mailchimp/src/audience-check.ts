import type { Answer, HttpRequest, NoAnswer, PlannedRequest, Transport, TransportTools } from '@heed/connector-kit'

/** For so long an audience that was seen is taken to be there. */
const freshMs = 60 * 60_000

const missing: NoAnswer = { via: 'none', sent: false, reason: 'configuration.audience-missing' }

function questionFor(audience: string): HttpRequest {
  return {
    via: 'http',
    intent: 'read-back',
    name: 'audience.check',
    method: 'GET',
    path: `/lists/${audience}`,
    query: { fields: 'id' },
    covers: [],
  }
}

const audienceIn = (request: PlannedRequest): string | undefined =>
  request.via === 'http' ? /^\/lists\/([^/]+)\/members\//.exec(request.path)?.[1] : undefined

/**
 * A transport that tells a missing audience from a missing contact: Mailchimp answers 404 for both, and "not a contact there" would end every duty of an audience
 * that was deleted or never was. Where a contact is not found, and before a batch, whose single answers come too late, the audience itself is looked for, at most
 * once an hour; while it is missing, nothing is taken to be done. Where that cannot be told, requests go as they are, and a line in the log says so.
 */
export function checkingAudiences(
  inner: Transport,
  audiences: readonly string[],
  { clock, log }: Pick<TransportTools, 'clock' | 'log'>,
): Transport {
  const seenAt = new Map<string, number>()

  const isMissing = async (audience: string, options: Parameters<Transport['send']>[1]): Promise<boolean> => {
    if (clock.now() - (seenAt.get(audience) ?? Number.NEGATIVE_INFINITY) < freshMs) return false
    const answer = await inner.send(questionFor(audience), options)
    if (answer.via === 'http' && answer.status === 404) return true
    if (answer.via === 'http' && answer.status === 200) seenAt.set(audience, clock.now())
    else log.warn({ request: 'audience.check' }, 'audience.unchecked')
    return false
  }

  return {
    send: async (request, options): Promise<Answer | NoAnswer> => {
      if (request.name === 'batch.create') for (const audience of audiences) if (await isMissing(audience, options)) return missing
      const answer = await inner.send(request, options)
      const audience = answer.via === 'http' && answer.status === 404 ? audienceIn(request) : undefined
      return audience !== undefined && (await isMissing(audience, options)) ? missing : answer
    },
    close: () => inner.close(),
  }
}
