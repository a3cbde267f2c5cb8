import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { HttpHandler, HttpReply, HttpRequest } from '../frame/http-play.ts'
import type { Routed } from '../frame/router.ts'
import type { Bucket, Folder, StoredObject } from './bucket.ts'
import { contentOfChunks } from './chunked-body.ts'
import { errors, inXml, refusal, type S3Error } from './errors.ts'

/** What the routes need of the vendor. */
export interface RouteContext {
  bucket(name: string): Bucket | undefined
  /** A fault that stands in for the answer. */
  spoilt(request: HttpRequest): S3Error | undefined
  /** Something was written into `in/` of a bucket. */
  written(bucket: string): void
  /** Whether the key that is used may list: without that, S3 does not tell who asks that an object is not there. */
  mayList(): boolean
}

const NAME = /^[A-Za-z0-9!_.*'()+$,;=@ -]{1,200}$/
const SHA256_OF_NOTHING = createHash('sha256').digest('hex')

/** PutObject, GetObject, HeadObject and ListObjectsV2, by the path style. */
export function s3Routes(context: RouteContext): Routed<HttpHandler>[] {
  const object = '/{bucket}/{folder}/{name}'
  const within = (handler: (request: HttpRequest, bucket: Bucket, folder: Folder, name: string) => HttpReply): HttpHandler => {
    return (request) => {
      const spoilt = context.spoilt(request)
      if (spoilt !== undefined) return refusal(spoilt)
      const { bucket: named = '', folder, name = '' } = request.parameters
      const bucket = context.bucket(named)
      if (bucket === undefined) return refusal(errors.noSuchBucket)
      if ((folder !== 'in' && folder !== 'ack') || !NAME.test(name) || name.startsWith('.')) return refusal(errors.accessDenied)
      return handler(request, bucket, folder, name)
    }
  }
  const read = within((request, bucket, folder, name) => {
    const found = bucket.get(folder, name)
    if (found === undefined) return refusal(context.mayList() ? errors.noSuchKey : errors.accessDenied)
    const headers = headersOf(found, request.headers['x-amz-checksum-mode'] === 'ENABLED')
    return { status: 200, headers: { ...headers, 'content-type': 'application/octet-stream' }, body: found.content, items: 1 }
  })

  return [
    {
      method: 'PUT',
      template: object,
      handler: within((request, bucket, folder, name) => {
        if (folder !== 'in') return refusal(errors.accessDenied)
        const body = bodyOf(request)
        if ('error' in body) return refusal(body.error)
        const broken = conditionFault(request, bucket.get(folder, name))
        if (broken !== undefined) return refusal(broken)
        const stored = bucket.put(folder, name, body.content)
        context.written(request.parameters.bucket ?? '')
        return { status: 200, headers: headersOf(stored, true), items: 1 }
      }),
    },
    { method: 'GET', template: object, handler: read },
    // node:http leaves the body out, and with it the code of an error, as S3 does
    { method: 'HEAD', template: object, handler: read },
    {
      method: 'GET',
      template: '/{bucket}',
      handler: (request) => {
        const spoilt = context.spoilt(request)
        if (spoilt !== undefined) return refusal(spoilt)
        const name = request.parameters.bucket ?? ''
        const bucket = context.bucket(name)
        if (bucket === undefined) return refusal(errors.noSuchBucket)
        if (!context.mayList()) return refusal(errors.accessDenied)
        return listing(request, name, bucket)
      },
    },
  ]
}

function headersOf({ etag, sha256, changedAt }: StoredObject, checksum: boolean): Record<string, string> {
  return {
    etag,
    'last-modified': changedAt.toUTCString(),
    ...(checksum ? { 'x-amz-checksum-sha256': sha256, 'x-amz-checksum-type': 'FULL_OBJECT' } : {}),
  }
}

function bodyOf({ headers, body }: HttpRequest): { readonly content: Buffer } | { readonly error: S3Error } {
  const claimed = String(headers['x-amz-content-sha256'] ?? '')
  if (claimed === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') {
    const read = contentOfChunks(body)
    if ('error' in read) return read
    const length = headers['x-amz-decoded-content-length']
    if (length === undefined) return { error: errors.missingLength }
    return Number(length) === read.content.length ? read : { error: errors.incompleteBody }
  }
  // chunks that are signed one by one
  if (claimed.startsWith('STREAMING-')) return { error: errors.notImplemented }
  if (headers['content-length'] === undefined) return { error: errors.missingLength }
  const actual = body.length === 0 ? SHA256_OF_NOTHING : createHash('sha256').update(body).digest('hex')
  if (claimed !== 'UNSIGNED-PAYLOAD' && claimed !== actual) return { error: errors.contentHash }
  const checksums: Record<string, () => string> = {
    'x-amz-checksum-sha256': () => Buffer.from(actual, 'hex').toString('base64'),
    'x-amz-checksum-crc32': () => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(crc32(body))
      return bytes.toString('base64')
    },
    'content-md5': () => createHash('md5').update(body).digest('base64'),
  }
  for (const [name, compute] of Object.entries(checksums)) {
    if (headers[name] !== undefined && headers[name] !== compute()) return { error: errors.badDigest }
  }
  return { content: body }
}

/** `If-None-Match: *` wants nothing there, `If-Match` wants the very version that it names. */
function conditionFault({ headers }: HttpRequest, there: StoredObject | undefined): S3Error | undefined {
  const { 'if-none-match': none, 'if-match': match } = headers
  if (none !== undefined && none !== '*') return errors.notImplemented
  if (none !== undefined && there !== undefined) return errors.preconditionFailed
  if (match === undefined) return undefined
  if (there === undefined) return errors.noSuchKey
  return match.replaceAll('"', '') === there.etag.replaceAll('"', '') ? undefined : errors.preconditionFailed
}

function listing({ query }: HttpRequest, name: string, bucket: Bucket): HttpReply {
  if (query.get('list-type') !== '2') return refusal(errors.notImplemented)
  const prefix = query.get('prefix') ?? ''
  const limit = Math.min(1000, Number(query.get('max-keys') ?? 1000))
  if (!Number.isInteger(limit) || limit < 0) return refusal(errors.invalidArgument)
  const from = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const rest = bucket.list(prefix).filter((key) => key > from)
  const keys = rest.slice(0, limit)
  const contents = keys.flatMap((key) => {
    const [folder = 'in', file = ''] = key.split('/')
    const found = bucket.get(folder as Folder, file)
    if (found === undefined) return []
    const { etag, content, changedAt } = found
    return [
      `<Contents><Key>${inXml(key)}</Key><LastModified>${changedAt.toISOString()}</LastModified><ETag>${inXml(etag)}</ETag><Size>${content.length}</Size></Contents>`,
    ]
  })
  const more = rest.length > keys.length
  const next = more ? `<NextContinuationToken>${inXml(keys.at(-1) ?? '')}</NextContinuationToken>` : ''
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${name}</Name><Prefix>${inXml(prefix)}</Prefix><KeyCount>${keys.length}</KeyCount><MaxKeys>${limit}</MaxKeys><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}
