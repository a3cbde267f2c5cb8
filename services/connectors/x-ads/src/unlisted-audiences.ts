import type { BesideQuestion, HttpAnswer, HttpRequest } from '@heed/connector-kit'
import { z } from 'zod'
import { jsonOf } from './answers.ts'
import type { XAdsSettings } from './settings.ts'

const page = z.object({ data: z.array(z.object({ id: z.string(), deleted: z.boolean().optional() })), next_cursor: z.string().nullish() })

function questionFor(accountId: string, cursor?: string): HttpRequest {
  return {
    via: 'http',
    intent: 'read-back',
    name: 'audiences.list',
    method: 'GET',
    path: `/12/accounts/${accountId}/custom_audiences`,
    query: { count: '200', ...(cursor === undefined ? {} : { cursor }) },
    covers: [],
  }
}

/** What audiences the account has, compared with those that the settings name: X has no call that takes a person out of all of them. */
export function unlistedAudiences(
  { accountId, audiences }: Pick<XAdsSettings, 'accountId' | 'audiences'>,
  found: (unlisted: readonly string[]) => void,
): BesideQuestion {
  return {
    question: questionFor(accountId),
    heard: ({ body }: Pick<HttpAnswer, 'body'>) => {
      const read = page.safeParse(jsonOf(body)).data
      const unlisted = (read?.data ?? []).filter(({ id, deleted }) => deleted !== true && !audiences.includes(id)).map(({ id }) => id)
      if (unlisted.length > 0) found(unlisted)
      const cursor = read?.next_cursor
      return typeof cursor === 'string' && cursor !== '' ? questionFor(accountId, cursor) : undefined
    },
  }
}
