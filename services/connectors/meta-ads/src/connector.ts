import { type Connector, httpTransport, type Interpretation, membershipOf, type NothingToSend } from '@heed/connector-kit'
import type { DeliveryId, Outcome } from '@heed/domain'
import { z } from 'zod'
import { checkedTransport } from './account-check.ts'
import { graphErrorOf, jsonOf, outcomeOfAnswer, outcomeOfError } from './answers.ts'
import { metaAuthentication } from './authentication.ts'
import { additions, type Person, removals } from './requests.ts'
import { identifierKinds, rowsOf } from './rows.ts'
import { type MetaAdsSettings, parseSettings } from './settings.ts'
import { slowDownOf, usageOf } from './usage.ts'

const note = z.object({ rows: z.number().int() })

/**
 * Custom audiences of Facebook and Instagram, by the Marketing API. An opt-out leaves every audience of the ad account by one call. Meta takes rows and never
 * says whose it knew, so `accepted` is all that is ever claimed.
 */
export const metaAds: Connector<MetaAdsSettings> = {
  descriptor: ({ rowsPerRequest, collectSeconds, concurrentRequests, requestsPerMinute }) => ({
    name: 'meta-ads',
    docs: 'https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences',
    identifiers: identifierKinds,
    // the parts of a session follow each other
    batch: { maxTasks: rowsPerRequest, inOneRequest: true, inOrder: true, ...(collectSeconds > 0 ? { collectSeconds } : {}) },
    rate: { concurrentRequests, requestsPerMinute },
    confirmation: 'never',
    timeoutMs: 120_000,
    reassertEveryDays: 30,
    retry: { scheduleSeconds: [5, 15, 30, 60, 120, 300, 600] },
    // a repeat is harmless; the pause is for a wish that turned meanwhile, since no order is promised
    quietAfterUnknownSeconds: 60,
  }),
  parseSettings,
  account: ({ adAccount }) => `meta-ads:${adAccount}`,
  connect: (settings, { credentials, descriptor, log }) => {
    const { appSecret } = settings.credentials
    const transport = httpTransport({
      baseUrl: `${settings.baseUrl}/${settings.apiVersion}`,
      descriptor,
      authentication: metaAuthentication(credentials, settings.credential, appSecret),
    })
    // the proof that an app may demand travels in a body, and the question has none
    const isChecked = settings.checkAccount && settings.removeFrom === 'any-audience' && appSecret === undefined
    return isChecked ? checkedTransport(transport, settings.adAccount, log) : transport
  },

  plan(tasks, settings, batch) {
    const nothing: NothingToSend[] = []
    const [leaving, joining]: [Person[], Person[]] = [[], []]
    for (const task of tasks) {
      const { deliveryId } = task
      const membership = membershipOf(task)
      const rows = rowsOf(task)
      if (membership === 'unsaid') nothing.push(without(deliveryId, { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' }))
      // a row that cannot be read is only counted by Meta: a person looks at it
      else if (rows.length === 0) nothing.push(without(deliveryId, { kind: 'rejected', reason: 'item.no-usable-identifier' }))
      else if (membership === 'out') leaving.push({ deliveryId, rows })
      else if (settings.audiences.length === 0)
        nothing.push(without(deliveryId, { kind: 'notApplicable', reason: 'not-applicable.no-audience-to-join' }))
      else joining.push({ deliveryId, rows })
    }
    return [...nothing, ...removals(leaving, settings, batch), ...additions(joining, settings, batch)]
  },

  interpret(request, answer): Interpretation {
    if (answer.via !== 'http') return { outcomes: [] }
    const json = jsonOf(answer.body)
    const usage = usageOf(answer.headers['x-business-use-case-usage'])
    const error = graphErrorOf(json)
    const outcome =
      error === undefined
        ? outcomeOfAnswer(answer, json, note.safeParse(request.note).data?.rows ?? 0)
        : outcomeOfError(error, answer.status, usage)
    const slowDownSeconds = usage === undefined ? undefined : slowDownOf(usage)
    const trace = error?.fbtrace_id
    return {
      outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome })),
      ...(slowDownSeconds === undefined ? {} : { slowDownSeconds }),
      ...(trace !== undefined && /^[A-Za-z0-9._:-]{1,100}$/.test(trace) ? { trace } : {}),
    }
  },
}

const without = (deliveryId: DeliveryId, outcome: Outcome): NothingToSend => ({ via: 'nothing', covers: [deliveryId], outcome })
