import { createHash } from 'node:crypto'
import type { Mailchimp } from './index.ts'

/** An answer as a test looks at it. */
export interface Answer {
  readonly status: number
  readonly type: string | null
  readonly text: string
  /** The body, parsed, when it is JSON. */
  readonly json: ReturnType<typeof JSON.parse>
}

/** MD5 of the lowercase address, computed apart from the code under test. */
export function md5(address: string): string {
  return createHash('md5').update(address.toLowerCase()).digest('hex')
}

/** A plain client of the API: path from `/3.0` on. */
export function clientOf(mailchimp: Mailchimp, headers: Record<string, string> = {}) {
  const authorization = `Basic ${Buffer.from(`any:${mailchimp.apiKey}`).toString('base64')}`
  return async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${mailchimp.url}/3.0${path}`, {
      method,
      headers: { authorization, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const type = response.headers.get('content-type')
    return { status: response.status, type, text, json: type?.includes('json') === true ? JSON.parse(text) : undefined }
  }
}
