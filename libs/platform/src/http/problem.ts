import type { Response } from 'express'
import { HeedError } from '../errors/index.ts'

/**
 * An answer of RFC 9457. `type` is a URI reference that names the kind of problem, `title` its name, `detail` what to do about
 * this one. No personal data in any of them.
 */
export class HttpProblem extends HeedError {
  readonly status: number
  readonly type: string
  readonly title: string
  readonly detail: string | undefined
  readonly extra: Readonly<Record<string, unknown>>

  constructor(status: number, type: string, title: string, detail?: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(type, title)
    this.status = status
    this.type = type
    this.title = title
    this.detail = detail
    this.extra = extra
  }
}

/** A problem to throw from a route. */
export function problem(
  status: number,
  type: string,
  title: string,
  detail?: string,
  extra?: Readonly<Record<string, unknown>>,
): HttpProblem {
  return new HttpProblem(status, type, title, detail, extra)
}

/** Answers with the problem. */
export function sendProblem(response: Response, { status, type, title, detail, extra }: HttpProblem): void {
  response
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type, title, status, ...(detail === undefined ? {} : { detail }), ...extra }))
}
