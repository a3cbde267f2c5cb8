import type { Answer, HttpRequest, NoAnswer, Transport, TransportTools } from '@heed/connector-kit'
import { z } from 'zod'
import { graphErrorOf, jsonOf } from './answers.ts'

const account = z.looseObject({
  id: z.string(),
  business: z.looseObject({ id: z.string() }).optional().catch(undefined),
  tos_accepted: z.record(z.string(), z.unknown()).optional().catch(undefined),
})

/** What an ad account lacks for removals to have any effect; `unknown` where the answer does not tell. */
export type AccountFault = 'none' | 'unknown' | 'configuration.account-without-business' | 'configuration.terms-not-accepted'

/** Reads `GET /act_{id}?fields=business,tos_accepted` (https://developers.facebook.com/docs/marketing-api/reference/ad-account). */
export function accountFaultOf(answer: Answer | NoAnswer): AccountFault {
  if (answer.via !== 'http' || answer.status !== 200) return 'unknown'
  const json = jsonOf(answer.body)
  const read = account.safeParse(json).data
  if (read === undefined || graphErrorOf(json) !== undefined) return 'unknown'
  if (read.business === undefined) return 'configuration.account-without-business'
  const terms = read.tos_accepted
  if (terms === undefined) return 'unknown'
  return [terms.custom_audience_tos, terms.web_custom_audience_tos].includes(1) ? 'none' : 'configuration.terms-not-accepted'
}

/**
 * Asks, before anything is sent, whether the ad account is one from which people can be removed: where it is not, Meta may say yes and do nothing. Nothing is
 * sent while it is certain that it is not; where that cannot be told, one line in the log says so and requests go.
 */
export function checkedTransport(inner: Transport, adAccount: string, log: TransportTools['log']): Transport {
  const question: HttpRequest = {
    via: 'http',
    intent: 'read-back',
    name: 'account.check',
    method: 'GET',
    path: `/act_${adAccount}`,
    query: { fields: 'business,tos_accepted' },
    covers: [],
  }
  let passed = false
  let asking: Promise<AccountFault> | undefined

  const ask = async (options: Parameters<Transport['send']>[1]): Promise<AccountFault> => {
    const answer = await inner.send(question, options)
    const fault = accountFaultOf(answer)
    // without any answer nothing was learned, and it is asked again
    if (fault === 'none' || (fault === 'unknown' && answer.via === 'http')) passed = true
    if (fault === 'unknown' && passed) log.warn({ request: question.name }, 'account.unchecked')
    return fault
  }

  return {
    send: async (request, options) => {
      if (!passed) {
        asking ??= ask(options).finally(() => {
          asking = undefined
        })
        const fault = await asking
        if (fault !== 'none' && fault !== 'unknown') return { via: 'none', sent: false, reason: fault }
      }
      return inner.send(request, options)
    },
    close: () => inner.close(),
  }
}
