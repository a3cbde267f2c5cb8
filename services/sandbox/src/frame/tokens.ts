import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a token stands for, e.g. its scope. */
export type Claims = Readonly<Record<string, string>>

/** Issues access tokens that need no memory: a restart of the sandbox ends none of them. */
export interface TokenOffice {
  issue(claims: Claims, lifetimeSeconds: number): string
  /** What the token stands for; `expired` when its time is over, `unknown` when it was never issued here or was called back. */
  check(token: string): Claims | 'expired' | 'unknown'
  /** Calls back every token issued so far. */
  recall(): void
}

/** A token office whose tokens begin with the prefix; the same seed signs alike. */
export function createTokenOffice(seed: string, prefix: string, now: () => number): TokenOffice {
  let round = 0
  let serial = 0
  const sign = (text: string): string => createHmac('sha256', `token-office/${seed}`).update(text).digest('base64url').slice(0, 32)

  return {
    issue(claims, lifetimeSeconds) {
      serial += 1
      const text = Buffer.from(JSON.stringify([round, now() + lifetimeSeconds * 1000, serial, claims])).toString('base64url')
      return `${prefix}${text}.${sign(text)}`
    },
    check(token) {
      const [text = '', signature = ''] = token.startsWith(prefix) ? token.slice(prefix.length).split('.') : []
      if (text === '' || !sameText(signature, sign(text))) return 'unknown'
      const [issuedIn, expiresAt, , claims] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as [
        number,
        number,
        number,
        Claims,
      ]
      if (issuedIn !== round) return 'unknown'
      return expiresAt <= now() ? 'expired' : claims
    },
    recall() {
      round += 1
    },
  }
}

/** Compares two secrets without telling by the time it takes how much of them agrees. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** A demo secret that always belongs to this name and seed; it opens nothing but this sandbox. */
export function demoSecret(seed: string, name: string, length = 40): string {
  return createHmac('sha256', `demo/${seed}`).update(name).digest('hex').slice(0, length)
}
