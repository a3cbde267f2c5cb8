import { readFile, rename, writeFile } from 'node:fs/promises'
import { HeedError } from '@heed/platform/errors'
import { type Logger, silentLogger } from '@heed/platform/log'
import type { CredentialReference, Credentials } from './contract.ts'
import { replacedFiles } from './replaced-files.ts'

/** The settings of a recipient are not usable. The message names the field and says how to mend it; it never quotes a value. */
export class SettingsError extends HeedError {
  /** The field, as a path: `audiences[0].id`. */
  readonly field: string

  constructor(field: string, message: string) {
    super('settings.invalid', `${field}: ${message}`)
    this.field = field
  }
}

/** A credential cannot be read. The message names the reference, which is no secret. */
export class CredentialError extends HeedError {
  constructor(message: string) {
    super('configuration.credential-missing', message)
  }
}

const referencePattern = /^(env|file):(.+)$/s

interface Reference {
  readonly from: 'env' | 'file'
  readonly name: string
}

function parseReference(text: string): Reference | undefined {
  const [, from, name] = referencePattern.exec(text) ?? []
  return (from === 'env' || from === 'file') && name !== undefined ? { from, name } : undefined
}

// Names under which a reference stays one: its value is read at the moment of sending and never stands in settings.
const credentialNames = new Set(['credential', 'credentials'])

type Env = Readonly<Record<string, string | undefined>>

async function resolved(value: unknown, field: string, env: Env): Promise<unknown> {
  if (typeof value === 'string') {
    const reference = parseReference(value)
    if (reference === undefined) return value
    if (reference.from === 'env') return env[reference.name]?.trim() || undefined
    return readFile(reference.name, 'utf8').then(
      (text) => text.trim() || undefined,
      () => {
        throw new SettingsError(field, 'names a file that cannot be read')
      },
    )
  }
  if (Array.isArray(value)) {
    const items = await Promise.all(value.map((item, index) => resolved(item, `${field}[${index}]`, env)))
    return items.filter((item) => item !== undefined)
  }
  if (typeof value === 'object' && value !== null) return resolveReferences(value as Record<string, unknown>, env, field)
  return value
}

/**
 * Settings with each `env:NAME` and `file:/path` replaced by its text; one that is not set is left out, so that the connector's own check says what is missing.
 * Whatever is named `credential` or stands under `credentials` stays as it is.
 * @throws SettingsError for a file that cannot be read.
 */
export async function resolveReferences(
  settings: Readonly<Record<string, unknown>>,
  env: Env,
  within = '',
): Promise<Readonly<Record<string, unknown>>> {
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(settings)) {
    const field = within === '' ? name : `${within}.${name}`
    const plain = credentialNames.has(name) ? value : await resolved(value, field, env)
    if (plain !== undefined) result[name] = plain
  }
  return result
}

/**
 * Credentials from environment variables and files, as they are when they are asked for. A file that is missing, empty or half written keeps the value that it
 * had, with a warning; the next request looks again.
 */
export function referencedCredentials(env: Env, options: { readonly log?: Logger } = {}): Credentials {
  const { log = silentLogger } = options
  const files = replacedFiles({
    renewed: (path) => log.info({ reference: safeReference(`file:${path}`) }, 'credential.renewed'),
    kept: (path) => log.warn({ reference: safeReference(`file:${path}`) }, 'credential.kept'),
  })

  const readFromFile = async (path: string): Promise<string> => {
    const found = await files.read(path)
    if (found.kind === 'text') return found.text
    const why = { unreadable: 'cannot be read', empty: 'is empty', changing: 'is being written' }[found.why]
    throw new CredentialError(`the credential ${safeReference(`file:${path}`)} ${why}`)
  }

  return {
    read: async (reference) => {
      const parsed = parseReference(reference)
      if (parsed === undefined) throw new CredentialError('a credential is named as env:NAME or file:/path')
      const value = parsed.from === 'env' ? env[parsed.name]?.trim() : await readFromFile(parsed.name)
      if (value === undefined || value === '') throw new CredentialError(`the credential ${safeReference(reference)} is not set`)
      return value
    },
    replace: async (reference, value) => {
      const parsed = parseReference(reference)
      if (parsed?.from !== 'file') throw new CredentialError('only a credential in a file can be replaced')
      const part = `${parsed.name}.part`
      await writeFile(part, value, { mode: 0o600, flush: true })
      await rename(part, parsed.name)
      files.forget(parsed.name)
    },
  }
}

/** The reference, where it has the form of one; anything else might be the secret itself, put where its name belongs. */
export function safeReference(reference: CredentialReference): string {
  return /^env:[A-Za-z0-9_]{1,100}$/.test(reference) || /^file:\/[\w./-]{1,200}$/.test(reference) ? reference : '[credential]'
}
