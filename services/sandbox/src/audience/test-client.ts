/** An answer as a test looks at it. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body, parsed, when it is JSON. */
  readonly json: ReturnType<typeof JSON.parse>
}

/** A plain client below a vendor's URL. A body that is a text or a form goes out as it is, anything else as JSON. */
export function clientOf(url: string, headers: Record<string, string> = {}) {
  return async (method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<Answer> => {
    const asItIs = typeof body === 'string' || body instanceof URLSearchParams
    const type: Record<string, string> = body === undefined || body instanceof URLSearchParams ? {} : { 'content-type': 'application/json' }
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...type, ...headers, ...more },
      ...(body === undefined ? {} : { body: asItIs ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
  }
}
