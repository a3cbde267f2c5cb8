import { gzip } from 'node:zlib'
import { pack } from 'tar-stream'

/** The result of one operation of a batch, as the archive's files list it. */
export interface OperationResult {
  readonly status_code: number
  readonly operation_id: string
  /** The answer's body, as text. */
  readonly response: string
}

const RESULTS_PER_FILE = 100

/** The gzipped tar that `response_body_url` leads to: a folder entry, then JSON files that are an array of results each. */
export async function packResults(results: readonly OperationResult[], fileName: (index: number) => string): Promise<Buffer> {
  const archive = pack()
  archive.entry({ name: './', type: 'directory' })
  for (let start = 0; start === 0 || start < results.length; start += RESULTS_PER_FILE) {
    const part = results.slice(start, start + RESULTS_PER_FILE)
    archive.entry({ name: `./${fileName(start / RESULTS_PER_FILE)}.json` }, JSON.stringify(part))
  }
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return new Promise((resolve, reject) => {
    gzip(Buffer.concat(chunks), { level: 1 }, (error, zipped) => (error === null ? resolve(zipped) : reject(error)))
  })
}
