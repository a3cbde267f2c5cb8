import { createHash } from 'node:crypto'
import { type Clock, systemClock } from '@heed/platform/clock'
import { AwsV4Signer } from 'aws4fetch'
import { Agent } from 'undici'
import type { CredentialReference, Credentials } from '../contract.ts'
import { CredentialError, SettingsError } from '../settings.ts'
import { type Exchange, exchange } from './exchange.ts'
import { checkedPath, type FileStore, putOneByOne, type StoredFile, StoreFault } from './file-store.ts'
import { parseAddress } from './http.ts'
import { type RequestFailure, reasonOf } from './http-failures.ts'
import { errorCodeOf, s3Fault } from './s3-faults.ts'

/** How a bucket is reached. */
export interface S3Options {
  readonly bucket: string
  readonly region: string
  /** `https://host[:port][/prefix]` of a store that speaks S3; Amazon's of that region unless told. */
  readonly endpoint?: string
  /** True puts the bucket into the path, not into the host name: for stores that want it, and for names with dots, which fit no certificate. */
  readonly pathStyle?: boolean
  readonly accessKeyId: CredentialReference
  readonly secretAccessKey: CredentialReference
  /** For credentials that end. All three are read for each request, so that whoever renews them writes them where the references lead. */
  readonly sessionToken?: CredentialReference
  /** How the store is asked to encrypt; as the bucket has it unless told. */
  readonly encryption?: { readonly algorithm: 'AES256' | 'aws:kms'; readonly keyId?: string }
  /** The account that must own the bucket (12 digits): a bucket of that name in other hands is refused by the store. */
  readonly bucketOwner?: string
  readonly credentials: Credentials
  /** Dates the signatures. The machine's clock unless told: the store holds it against its own, within 15 minutes. */
  readonly clock?: Clock
  /** How long one request may take; 60 s unless told. */
  readonly timeoutMs?: number
}

type Headers = Readonly<Record<string, string>>

// what is read are answers of a partner, and files of ours from stores without checksums
const longestAnswerBytes = 256 * 1024 * 1024

const sha256 = (content: Uint8Array) => createHash('sha256').update(content)

/** The path of a key, each part escaped so that no character is read in two ways (`+`, `$`, `'`). */
const escaped = (key: string) =>
  key
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`))
    .join('/')

/**
 * A bucket as a store. A file is put on condition that there is none under its name (`If-None-Match: *`); where there is one, its checksum is compared: the same
 * bytes change nothing, others are replaced on condition that they are still the ones that were seen (`If-Match`). Whatever was applied without an answer is thus
 * found by the repeat, and two writers never overwrite each other unseen. Files go in one request each: up to 5 GB, and never half of one.
 *
 * The key that is used needs `s3:PutObject` where it writes, and `s3:GetObject` where it reads together with `s3:ListBucket`: without the latter a store answers
 * 403 for a file that is not there (yet), which is no answer to build on.
 * @throws SettingsError for an endpoint that is neither https nor on this machine.
 */
export function s3Store(options: S3Options): FileStore {
  const { bucket, region, pathStyle = false, credentials, clock = systemClock, timeoutMs = 60_000, encryption, bucketOwner } = options
  const base = parseAddress('endpoint', options.endpoint ?? `https://s3.${region}.amazonaws.com`)
  if (!pathStyle && bucket.includes('.')) throw new SettingsError('pathStyle', 'is needed for a bucket with a dot in its name')
  const host = pathStyle ? base.host : `${bucket}.${base.host}`
  const prefix = base.pathname.replace(/\/+$/, '') + (pathStyle ? `/${bucket}` : '')
  const root = `${base.protocol}//${host}${prefix}`
  const owner: Headers = bucketOwner === undefined ? {} : { 'x-amz-expected-bucket-owner': bucketOwner }
  const sealing: Headers = {
    ...(encryption === undefined ? {} : { 'x-amz-server-side-encryption': encryption.algorithm }),
    ...(encryption?.keyId === undefined ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': encryption.keyId }),
  }

  let agent: Agent | undefined
  let closing = new AbortController()

  const signed = async (method: string, url: URL, headers: Headers): Promise<Record<string, string>> => {
    const [accessKeyId, secretAccessKey, sessionToken] = await Promise.all([
      credentials.read(options.accessKeyId),
      credentials.read(options.secretAccessKey),
      options.sessionToken === undefined ? undefined : credentials.read(options.sessionToken),
    ])
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: 's3',
      region,
      datetime: new Date(clock.now()).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
    })
    return Object.fromEntries((await signer.sign()).headers)
  }

  const ask = async (method: 'GET' | 'HEAD' | 'PUT', path: string, headers: Headers = {}, body?: Uint8Array): Promise<Exchange> => {
    const url = new URL(`${root}/${escaped(path)}`)
    const digest = sha256(body ?? new Uint8Array()).digest('hex')
    const writes = method === 'PUT'
    try {
      const all = await signed(method, url, { ...headers, ...owner, 'x-amz-content-sha256': digest })
      agent ??= new Agent({
        connections: 4,
        pipelining: 1,
        keepAliveTimeout: 10_000,
        maxResponseSize: longestAnswerBytes,
        connect: { timeout: 10_000 },
      })
      return await exchange(agent, { method, url, headers: all, body }, { timeoutMs, signal: closing.signal })
    } catch (thrown) {
      if (thrown instanceof CredentialError) throw new StoreFault('configuration.credential-missing', false)
      const failure = thrown as RequestFailure
      throw new StoreFault(reasonOf(failure), writes && failure.sent)
    }
  }

  const put = (path: string, content: Uint8Array, condition: Headers) =>
    ask(
      'PUT',
      path,
      {
        'content-type': 'application/octet-stream',
        'x-amz-sdk-checksum-algorithm': 'SHA256',
        'x-amz-checksum-sha256': sha256(content).digest('base64'),
        ...sealing,
        ...condition,
      },
      content,
    )

  /** What stands under the path: undefined where nothing does any more. */
  const found = async (path: string, content: Uint8Array): Promise<{ etag: string; same: boolean } | undefined> => {
    const head = await ask('HEAD', path, { 'x-amz-checksum-mode': 'ENABLED' })
    if (head.status === 404) return undefined
    if (head.status !== 200) throw s3Fault(head, false)
    const { etag = '', 'x-amz-checksum-sha256': checksum } = head.headers
    // a store that keeps no checksum of that kind, or one of parts, is asked for the bytes
    if (checksum?.length === 44) return { etag, same: checksum === sha256(content).digest('base64') }
    const whole = await ask('GET', path)
    if (whole.status === 404) return undefined
    if (whole.status !== 200) throw s3Fault(whole, false)
    return { etag: whole.headers.etag ?? etag, same: whole.body.equals(content) }
  }

  const putOne = async ({ path, content }: StoredFile) => {
    const target = checkedPath(path)
    const first = await put(target, content, { 'if-none-match': '*' })
    if (first.status === 200) return
    if (first.status !== 412) throw s3Fault(first, true)
    const there = await found(target, content)
    if (there?.same === true) return
    // gone meanwhile, or a store that names no version: the next try begins anew
    if (there === undefined || there.etag === '') throw new StoreFault('unavailable.conflict', false)
    const second = await put(target, content, { 'if-match': there.etag })
    if (second.status !== 200) throw s3Fault(second, true)
  }

  return {
    put: (files) => putOneByOne(files, putOne),
    get: async (path) => {
      const answer = await ask('GET', checkedPath(path))
      if (answer.status === 200) return answer.body
      if (answer.status === 404 && errorCodeOf(answer.body) !== 'NoSuchBucket') return undefined
      throw s3Fault(answer, false)
    },
    close: async () => {
      const [open, stop] = [agent, closing]
      agent = undefined
      closing = new AbortController()
      stop.abort()
      await open?.destroy()
    },
  }
}
