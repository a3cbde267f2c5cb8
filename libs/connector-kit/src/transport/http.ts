import type { LookupFunction } from 'node:net'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import type { Descriptor, HttpAnswer, HttpRequest, NoAnswer, PlannedRequest, Transport } from '../contract.ts'
import { CredentialError, SettingsError } from '../settings.ts'
import { type Authentication, AuthenticationError, type OutgoingRequest } from './authentication.ts'
import { type Exchange, exchange } from './exchange.ts'
import { type RequestFailure, reasonOf } from './http-failures.ts'

/** How requests reach one vendor account over HTTP. */
export interface HttpTransportOptions {
  /** `https://host[:port][/prefix]`. Plain http is for a vendor on this machine, or where `insecure` says so. */
  readonly baseUrl: string
  readonly descriptor: Descriptor
  /** Adds credentials to requests below the base URL; never to an absolute URL elsewhere. */
  readonly authentication?: Authentication
  /** Resolves host names, where not every address may be connected to. It is not asked for hosts that are addresses already: check those before. */
  readonly lookup?: LookupFunction
  /** Certificate authorities to trust instead of the machine's, PEM. */
  readonly certificateAuthorities?: string
  /** What this side proves itself by, PEM; asked for at each connection. Throws `CredentialError` where a part is missing. */
  readonly clientCertificate?: () => Promise<{ readonly certificate: string; readonly key: string }>
  /** What becomes of an answer that is longer than `descriptor.maxAnswerBytes`: it counts as none (`refuse`, where absent), or is read no further (`cut`). */
  readonly longAnswers?: 'refuse' | 'cut'
  /** Allows http to other machines. For development. */
  readonly insecure?: boolean
  readonly userAgent?: string
}

const defaultMaxAnswerBytes = 8 * 1024 * 1024
const longestConnectMs = 10_000

const isLoopback = (host: string) => host === 'localhost' || host === '[::1]' || /^127(?:\.\d+){3}$/.test(host)

/** The address that a setting names. Throws `SettingsError` that names the field, unless it is https without user, query and fragment, or http to this machine. */
export function parseAddress(field: string, text: string, insecure = false): URL {
  const url = URL.parse(text)
  if (url === null) throw new SettingsError(field, 'must be an address such as https://api.vendor.example')
  if (url.username !== '' || url.password !== '') throw new SettingsError(field, 'must not hold a user name or a password')
  if (url.search !== '' || url.hash !== '') throw new SettingsError(field, 'must not have a query or a fragment')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && (insecure || isLoopback(url.hostname)))) {
    throw new SettingsError(field, 'must begin with https://')
  }
  return url
}

/** The address of a request: below the base, or absolute where the vendor itself gave it. Undefined where it is neither. */
function addressOf(request: HttpRequest, base: URL): URL | undefined {
  let url: URL | null
  if (request.path.startsWith('/')) {
    const path = base.pathname.replace(/\/+$/, '') + request.path
    url = URL.parse(base.origin + path)
    // "//elsewhere" or "/\elsewhere" must not lead away from the vendor
    if (url?.origin !== base.origin) return undefined
  } else {
    url = URL.parse(request.path)
    const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && base.protocol === 'http:')
    if (!secure || url?.username !== '' || url.password !== '') return undefined
  }
  for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.append(name, value)
  return url
}

type Fields = Readonly<Record<string, string>>

const withFields = (json: unknown, fields: Fields | undefined): unknown =>
  fields !== undefined && typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json, ...fields } : json

function bodyOf({ body }: HttpRequest, fields: Fields | undefined): { body: Uint8Array | undefined; type: string | undefined } {
  if (body === undefined) return { body: undefined, type: undefined }
  if ('json' in body) return { body: Buffer.from(JSON.stringify(withFields(body.json, fields))), type: 'application/json' }
  if ('form' in body) {
    const form = new URLSearchParams({ ...body.form, ...fields })
    return { body: Buffer.from(form.toString()), type: 'application/x-www-form-urlencoded' }
  }
  return { body: Buffer.from(body.text), type: body.type === '' ? undefined : body.type }
}

/** Connections on which this side shows a certificate, as it is at that moment. */
function provenConnection(
  connection: buildConnector.BuildOptions,
  clientCertificate: NonNullable<HttpTransportOptions['clientCertificate']>,
): buildConnector.connector {
  return (target, callback) => {
    clientCertificate().then(
      ({ certificate, key }) => buildConnector({ ...connection, cert: certificate, key })(target, callback),
      () => callback(Object.assign(new Error('no client certificate'), { code: 'HEED_CREDENTIAL_MISSING' }), null),
    )
  }
}

const noAnswer = (sent: boolean, reason: NoAnswer['reason']): NoAnswer => ({ via: 'none', sent, reason })

/**
 * Sends HTTP requests of one account over connections of its own, at most `descriptor.rate.concurrentRequests` of them.
 * Redirects are answers, never followed. An answer longer than `descriptor.maxAnswerBytes` counts as none, unless `longAnswers` says otherwise. `sent` of a missing answer is false only where the
 * request was never begun on a connection. Nothing of a request or an answer is logged.
 * @throws SettingsError for a base URL that cannot be used.
 */
export function httpTransport(options: HttpTransportOptions): Transport {
  const {
    descriptor,
    authentication,
    lookup,
    certificateAuthorities,
    clientCertificate,
    insecure = false,
    userAgent = 'Heed/0.1',
  } = options
  const base = parseAddress('baseUrl', options.baseUrl, insecure)
  const longest = descriptor.maxAnswerBytes ?? defaultMaxAnswerBytes
  const keepBytes = options.longAnswers === 'cut' ? longest : undefined
  const connection: buildConnector.BuildOptions = {
    timeout: Math.min(longestConnectMs, descriptor.timeoutMs),
    ...(lookup === undefined ? {} : { lookup }),
    ...(certificateAuthorities === undefined ? {} : { ca: certificateAuthorities }),
  }
  const agent: Dispatcher = new Agent({
    connections: descriptor.rate.concurrentRequests,
    pipelining: 1,
    keepAliveTimeout: 10_000,
    headersTimeout: descriptor.timeoutMs,
    bodyTimeout: descriptor.timeoutMs,
    maxResponseSize: keepBytes === undefined ? longest : -1,
    connect: clientCertificate === undefined ? connection : provenConnection(connection, clientCertificate),
  })

  const once = async (
    outgoing: OutgoingRequest,
    authenticated: boolean,
    limit: { timeoutMs: number; signal: AbortSignal },
  ): Promise<Exchange> => {
    const added = authenticated ? await authentication?.headers(outgoing) : undefined
    return exchange(
      agent,
      { ...outgoing, headers: { ...outgoing.headers, ...added } },
      { ...limit, ...(keepBytes === undefined ? {} : { keepBytes }) },
    )
  }

  const sendHttp = async (request: HttpRequest, limit: { timeoutMs: number; signal: AbortSignal }): Promise<HttpAnswer | NoAnswer> => {
    const url = addressOf(request, base)
    if (url === undefined) return noAnswer(false, 'configuration.address-refused')
    const authenticated = request.authenticated !== false && url.origin === base.origin
    try {
      const { body, type } = bodyOf(request, authenticated ? await authentication?.fields?.() : undefined)
      const headers: Record<string, string> = {
        accept: '*/*',
        'user-agent': userAgent,
        ...(type === undefined ? {} : { 'content-type': type }),
      }
      for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value
      const outgoing: OutgoingRequest = { method: request.method, url, headers, body }
      const first = await once(outgoing, authenticated, limit)
      if (first.status !== 401 || !authenticated || authentication?.renew === undefined || !(await authentication.renew())) {
        return { via: 'http', ...first }
      }
      return { via: 'http', ...(await once(outgoing, authenticated, limit)) }
    } catch (thrown) {
      if (thrown instanceof CredentialError) return noAnswer(false, 'configuration.credential-missing')
      if (thrown instanceof AuthenticationError) return noAnswer(false, thrown.reason)
      // a credential may name an address of its own, e.g. of its token endpoint
      if (thrown instanceof SettingsError) return noAnswer(false, 'configuration.address-refused')
      const failure = thrown as RequestFailure
      return noAnswer(failure.sent, reasonOf(failure))
    }
  }

  return {
    send: async (request: PlannedRequest, limit) => {
      if (request.via !== 'http') throw new TypeError(`${request.name} is no HTTP request`)
      return sendHttp(request, limit)
    },
    close: () => agent.destroy(),
  }
}
