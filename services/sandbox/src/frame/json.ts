import type { HttpReply } from './http-play.ts'

/** The body as JSON, or `undefined` when it is none. */
export function parseJson(body: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(body.toString('utf8')) }
  } catch {
    return undefined
  }
}

/** Whether the value is an object with fields, no array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value when it is a text with something in it. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** An answer in JSON. */
export function jsonReply(status: number, body: unknown, more: Omit<HttpReply, 'status' | 'body'> = {}): HttpReply {
  const headers = { 'content-type': 'application/json; charset=UTF-8', ...more.headers }
  return { ...more, status, headers, body: JSON.stringify(body) }
}
