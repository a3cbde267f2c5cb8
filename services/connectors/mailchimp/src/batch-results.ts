import { gunzipSync } from 'node:zlib'
import { parseTar } from 'nanotar'

/** The result of one operation of a vendor batch. */
export interface OperationResult {
  readonly operationId: string
  readonly status: number
  /** The body as the operation alone would have had it. */
  readonly response: string
}

const longestArchiveBytes = 64 * 1024 * 1024

/**
 * The results in `response_body_url`: a gzipped tar of JSON files, each an array of `{status_code, operation_id, response}` (Mailchimp, "Run Async Requests
 * with the Batch Endpoint"). Undefined where it is anything else, so that it is fetched again; entries of another shape are left out.
 */
export function readResults(archive: Uint8Array): OperationResult[] | undefined {
  try {
    const files = parseTar(gunzipSync(archive, { maxOutputLength: longestArchiveBytes }))
    return files.flatMap((file) => {
      if (file.data === undefined || file.data.length === 0) return []
      const entries: unknown = JSON.parse(Buffer.from(file.data).toString('utf8'))
      return Array.isArray(entries) ? entries.flatMap(resultOf) : []
    })
  } catch {
    return undefined
  }
}

function resultOf(entry: unknown): OperationResult[] {
  if (typeof entry !== 'object' || entry === null) return []
  const { status_code: status, operation_id: operationId, response } = entry as Record<string, unknown>
  return typeof status === 'number' && typeof operationId === 'string'
    ? [{ operationId, status, response: typeof response === 'string' ? response : '' }]
    : []
}
