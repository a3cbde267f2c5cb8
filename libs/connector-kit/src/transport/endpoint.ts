import { lookup as resolveHost } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { SettingsError } from '../settings.ts'

/** What the address of an endpoint may be that others tell us, such as a partner's webhook. */
export interface EndpointRules {
  /** Ports that are taken; 443 where absent. */
  readonly ports?: readonly number[]
  /**
   * `host:port` of endpoints that are trusted as they are: over http as well, and wherever they lead. For a partner that is played on this machine; whoever runs in
   * production gives none.
   */
  readonly trusted?: readonly string[]
}

const longestUrl = 2_048

/** Whether an endpoint is trusted as it is. */
export const isTrusted = (url: URL, { trusted = [] }: EndpointRules): boolean =>
  /^https?:$/.test(url.protocol) && trusted.includes(hostPort(url))

const hostPort = ({ hostname, port, protocol }: URL): string => `${hostname}:${port || (protocol === 'http:' ? '80' : '443')}`

/**
 * The address of an endpoint, checked against requests that would lead into our own network (OWASP API7:2023): https, a host name with a dot that is no address, a
 * port that is taken, no user, no fragment. What its name resolves to is checked when it is connected to: see `publicLookup`.
 * @throws SettingsError that names the field, and never quotes the address.
 */
export function parseEndpoint(field: string, text: string, { ports = [443], trusted = [] }: EndpointRules = {}): URL {
  const refuse = (why: string) => new SettingsError(field, why)
  if (text.length > longestUrl) throw refuse(`must have at most ${longestUrl} characters`)
  // as a browser reads it: 2130706433, 0x7f.1 and 017700000001 are all 127.0.0.1
  const url = URL.parse(text)
  if (url === null) throw refuse('must be an address such as https://feeds.partner.example/heed')
  if (url.username !== '' || url.password !== '') throw refuse('must not hold a user name or a password')
  if (text.includes('#')) throw refuse('must not have a fragment')
  if (isTrusted(url, { trusted })) return url
  if (url.protocol !== 'https:') throw refuse('must begin with https://')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) throw refuse('must name a host, not a network address')
  if (!host.replace(/\.$/, '').includes('.')) throw refuse('must name a host with a dot in it')
  if (!ports.includes(Number(url.port || '443'))) throw refuse(`must use port ${ports.join(' or ')}`)
  return url
}

const globalUnicast = ipaddr.parseCIDR('2000::/3')

/**
 * Whether an address belongs to the public internet: not this machine, a private or shared network, a link, a cloud's metadata service, a group, a translation or a
 * tunnel into any of these, nor one that is reserved. An IPv4 address inside an IPv6 one is judged as what it is.
 */
export function isPublicAddress(text: string): boolean {
  // a short form such as 127.1 is no address that a resolver gives
  if (isIP(text) === 0) return false
  const address = ipaddr.process(text)
  if (address.range() !== 'unicast') return false
  // what the registry has not given out yet counts as unicast too
  return address.kind() === 'ipv4' || address.match(globalUnicast)
}

/** The addresses of a host, as the system knows them. */
export type ResolveAddresses = (hostname: string) => Promise<readonly { readonly address: string; readonly family: number }[]>

const bySystem: ResolveAddresses = (hostname) => resolveHost(hostname, { all: true, verbatim: true })

/**
 * Resolves a host for one connection, to public addresses only: the connection is made to an address that was judged, and to no other, whatever the name resolves to
 * a moment later. Where none is left it fails with the code `HEED_ADDRESS_REFUSED`.
 */
export function publicLookup(resolve: ResolveAddresses = bySystem): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (found) => {
        const allowed = found.filter(({ address }) => isPublicAddress(address))
        const wanted = options.family === 4 || options.family === 6 ? allowed.filter(({ family }) => family === options.family) : allowed
        const [first] = wanted
        if (first === undefined) return callback(refused(), '', 0)
        if (options.all === true)
          return callback(
            null,
            wanted.map((one) => ({ ...one })),
          )
        return callback(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    )
  }
}

// says nothing of which address it was: that would tell a partner about our network
const refused = (): NodeJS.ErrnoException =>
  Object.assign(new Error('the host has no address that may be connected to'), { code: 'HEED_ADDRESS_REFUSED' })
