import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { clientOf } from '../audience/test-client.ts'
import type { Sandbox } from '../index.ts'

/** A destination of the demo accounts by the last digits of its list. */
export function destination(listId: string) {
  const [accountType, accountId] = listId.startsWith('77123451') ? ['DISPLAY_VIDEO_ADVERTISER', '4085550277'] : ['GOOGLE_ADS', '4085550199']
  return { operatingAccount: { accountType, accountId }, productDestinationId: listId }
}

export const CONTACT = '7712345001'
export const MOBILE = '7712345002'
export const USER_ID = '7712345003'

/** SHA-256 in hex, computed apart from the code under test. */
export function hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** A member with these hashed addresses. */
export function member(...hashes: string[]) {
  return { userData: { userIdentifiers: hashes.map((emailAddress) => ({ emailAddress })) } }
}

/** A client with the demo token, and a call that waits until its request is worked off. */
export function clientFor({ googleDataManager }: Sandbox) {
  const call = clientOf(googleDataManager.url, { authorization: `Bearer ${googleDataManager.accessToken}` })
  const status = async (requestId: string) => (await call('GET', `/v1/requestStatus:retrieve?requestId=${requestId}`)).json
  const done = async (path: string, body: unknown) => {
    const { json } = await call('POST', path, body)
    await expect.poll(() => googleDataManager.control.underWay(), { interval: 5 }).toBe(0)
    return status(json.requestId)
  }
  return { call, status, done }
}
