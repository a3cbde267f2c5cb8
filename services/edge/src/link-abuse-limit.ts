/** Limits for those who try links that are not ours, by IP address. Addresses are kept in memory for one window and nowhere else. Valid links are never limited here. */
export interface LinkAbuseLimit {
  /** Counts a link that is not ours. The seconds to wait where the address has tried too many, otherwise undefined. */
  invalidToken(ip: string): string | undefined
  /** Counts a link signed by a key that others know. The seconds to wait where there were too many, otherwise undefined. */
  exposedKey(ip: string): string | undefined
}

const mostAddresses = 50_000

/** Fixed windows of one minute: `invalidPerMinute` and `exposedPerMinute` for each address (IPv6 by its /64). */
export function linkAbuseLimit(options: { readonly invalidPerMinute: number; readonly exposedPerMinute: number; readonly now: () => number }): LinkAbuseLimit {
  const window = () => Math.floor(options.now() / 60_000)
  let current = window()
  let invalid = new Map<string, number>()
  let exposed = new Map<string, number>()

  const count = (counts: 'invalid' | 'exposed', ip: string, most: number): string | undefined => {
    const now = window()
    if (now !== current) {
      current = now
      invalid = new Map()
      exposed = new Map()
    }
    const map = counts === 'invalid' ? invalid : exposed
    const key = networkOf(ip)
    const tries = (map.get(key) ?? 0) + 1
    // bounded: in a flood from ever new addresses the ones already known stay limited, new ones share one count
    if (map.size < mostAddresses || map.has(key)) map.set(key, tries)
    return tries > most ? String(Math.max(1, Math.ceil(((current + 1) * 60_000 - options.now()) / 1000))) : undefined
  }

  return {
    invalidToken: (ip) => count('invalid', ip, options.invalidPerMinute),
    exposedKey: (ip) => count('exposed', ip, options.exposedPerMinute),
  }
}

/** One household or host: an IPv4 address, or the first four groups of an IPv6 one. */
function networkOf(ip: string): string {
  if (!ip.includes(':') || ip.startsWith('::ffff:')) return ip
  const [left = '', right = ''] = ip.split('::')
  const head = left.split(':').filter((group) => group !== '')
  const tail = right.split(':').filter((group) => group !== '')
  const groups = ip.includes('::') ? [...head, ...Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0'), ...tail] : head
  return groups.slice(0, 4).join(':')
}
