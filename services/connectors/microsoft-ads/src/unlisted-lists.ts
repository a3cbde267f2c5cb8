import type { BesideQuestion, HttpAnswer } from '@heed/connector-kit'
import { z } from 'zod'
import type { MicrosoftAdsSettings } from './settings.ts'

// ids have 64 bits and come as texts
const found = z.object({ Audiences: z.array(z.object({ Id: z.string() }).nullable()).nullable() })

/** What customer lists the account has, compared with those that the settings name: an opt-out must be told to each. */
export function unlistedLists(
  { audiences, customerId, customerAccountId }: Pick<MicrosoftAdsSettings, 'audiences' | 'customerId' | 'customerAccountId'>,
  tell: (unlisted: readonly string[]) => void,
): BesideQuestion {
  return {
    question: {
      via: 'http',
      intent: 'read-back',
      name: 'lists.query',
      method: 'POST',
      path: '/CampaignManagement/v13/Audiences/QueryByIds',
      headers: { CustomerId: customerId, CustomerAccountId: customerAccountId },
      covers: [],
      body: { json: { AudienceIds: null, Type: 'CustomerList' } },
    },
    heard: ({ body }: Pick<HttpAnswer, 'body'>) => {
      const lists = found.safeParse(jsonOf(body)).data?.Audiences ?? []
      const unlisted = lists.flatMap((list) => (list === null || audiences.includes(list.Id) ? [] : [list.Id]))
      if (unlisted.length > 0) tell(unlisted)
      return undefined
    },
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
