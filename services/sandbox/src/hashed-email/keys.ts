import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ssh2, { type ParsedKey } from 'ssh2'

/** An ed25519 key pair in OpenSSH's form. */
export interface KeyPair {
  readonly privateKey: string
  /** `ssh-ed25519 AAAA…`. */
  readonly publicKey: string
  /** The file that holds the private key, for clients that are given a file. */
  readonly path: string
}

/** The key pair kept under this name in the folder (0600), made on first use. */
export function keptKeyPair(folder: string, name: string): KeyPair {
  const path = join(folder, name)
  if (!existsSync(path)) writeFileSync(path, newPrivateKey(), { mode: 0o600 })
  const privateKey = readFileSync(path, 'utf8')
  const blob = parsed(privateKey).getPublicSSH().toString('base64')
  return { privateKey, publicKey: `ssh-ed25519 ${blob} heed-sandbox`, path }
}

/** SHA-256 of a public key in lowercase hex, as a client pins it. */
export function fingerprint({ privateKey }: Pick<KeyPair, 'privateKey'>): string {
  return createHash('sha256').update(parsed(privateKey).getPublicSSH()).digest('hex')
}

/** Reads a private or public key; throws a `RangeError` that does not quote it. */
export function parsed(key: string): ParsedKey {
  const result = ssh2.utils.parseKey(key)
  const one = Array.isArray(result) ? result[0] : result
  if (one === undefined || one instanceof Error) throw new RangeError('not a key in a known form')
  return one
}

// ssh2 1.17 writes an ed25519 key that it cannot read back about once in 400 times
function newPrivateKey(): string {
  for (;;) {
    const { private: privateKey } = ssh2.utils.generateKeyPairSync('ed25519')
    if (!(ssh2.utils.parseKey(privateKey) instanceof Error)) return privateKey
  }
}
