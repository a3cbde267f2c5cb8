import { createPublicKey, createVerify, generateKeyPair } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isRecord, textOf } from '../frame/json.ts'
import { demoSecret } from '../frame/tokens.ts'

/** A service account with the key file that its owner was given. */
export interface ServiceAccount {
  readonly clientEmail: string
  /** The key file as Google hands it out: JSON with `client_email`, `private_key` and `token_uri`. */
  keyFile(tokenUri: string): string
  /** Why this assertion signs nobody in; otherwise the scopes that it asks for. */
  check(assertion: string, audience: (audience: string) => boolean, times: readonly number[]): { scope: string } | { problem: string }
}

const LONGEST_SECONDS = 3600
const SKEW_SECONDS = 300

// one key pair for a process is enough for every account that it plays: making one takes a quarter of a second
let pair: Promise<string> | undefined

async function newPrivateKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return privateKey
}

/** The service account of this folder; its key is made on first use and kept there (0600). It opens nothing but this sandbox. */
export async function keptServiceAccount(folder: string, seed: string, projectId: string): Promise<ServiceAccount> {
  const path = join(folder, 'service-account-key.pem')
  if (!existsSync(path)) {
    pair ??= newPrivateKey()
    writeFileSync(path, await pair, { mode: 0o600 })
  }
  const privateKey = readFileSync(path, 'utf8')
  const publicKey = createPublicKey(privateKey)
  const keyId = demoSecret(seed, 'service-account-key-id')
  const clientEmail = `heed@${projectId}.iam.gserviceaccount.com`

  return {
    clientEmail,
    keyFile: (tokenUri) =>
      JSON.stringify({
        type: 'service_account',
        project_id: projectId,
        private_key_id: keyId,
        private_key: privateKey,
        client_email: clientEmail,
        client_id: String(Number.parseInt(demoSecret(seed, 'service-account-number', 12), 16)),
        token_uri: tokenUri,
      }),
    check(assertion, isAudience, times) {
      const [header = '', payload = '', signature = '', ...more] = assertion.split('.')
      const [head, claims] = [decode(header), decode(payload)]
      if (head === undefined || claims === undefined || more.length > 0) return { problem: 'Invalid JWT: it has no three parts.' }
      if (head.alg !== 'RS256') return { problem: 'Invalid JWT: only RS256 is taken.' }
      const verifier = createVerify('RSA-SHA256').update(`${header}.${payload}`)
      if (!verifier.verify(publicKey, Buffer.from(signature, 'base64url'))) return { problem: 'Invalid JWT Signature.' }
      if (claims.iss !== clientEmail) return { problem: 'Invalid issuer: not found.' }
      if (typeof claims.aud !== 'string' || !isAudience(claims.aud)) return { problem: 'Invalid JWT: the audience is another one.' }
      const { iat, exp } = claims
      if (typeof iat !== 'number' || typeof exp !== 'number') return { problem: 'Invalid JWT: iat and exp must be numbers.' }
      const holds = times.some((ms) => iat <= ms / 1000 + SKEW_SECONDS && exp > ms / 1000 - SKEW_SECONDS)
      if (!holds || exp - iat > LONGEST_SECONDS)
        return { problem: 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.' }
      const scope = textOf(claims.scope)
      return scope === undefined ? { problem: 'Invalid OAuth scope or ID token audience provided.' } : { scope }
    },
  }
}

function decode(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}
