import { HeedError } from '../errors/index.ts'

/** What stands in the place of a value that is not printed. */
export const hidden = '[hidden]'

const deepest = 5
const longestList = 20

// Names that by their meaning hold a person or a secret. Compared without case, `-` and `_`.
const privateNames = new Set([
  'address',
  'addresses',
  'apikey',
  'authorization',
  'body',
  'cookie',
  'email',
  'emailaddress',
  'emails',
  'firstname',
  'fullname',
  'identifier',
  'identifiers',
  'ip',
  'kek',
  'lastname',
  'passphrase',
  'password',
  'phone',
  'phonenumber',
  'phones',
  'privatekey',
  'rawvalue',
  'refreshtoken',
  'accesstoken',
  'secret',
  'setcookie',
  'token',
  'tokens',
])

const isPrivateName = (name: string): boolean => privateNames.has(name.replaceAll(/[-_]/g, '').toLowerCase())

// Shapes that give a person or a secret away wherever they stand: an address, an E.164 number, a caller's key, credentials in a URL.
const shapes: readonly (readonly [RegExp, string])[] = [
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/@"]+@/gi, '$1[credentials]@'],
  [/[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]+(?:@|%40)[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?\.[\p{L}]{2,}/gu, '[email]'],
  [/\bheed_[a-z0-9-]+_[A-Za-z0-9_-]{20,}/g, '[key]'],
  [/(?<![\p{L}\p{N}])\+[1-9]\d{7,14}(?!\d)/gu, '[phone]'],
]

/** The text with every e-mail address, E.164 phone number, caller's key and URL credential in it replaced by its kind. */
export function scrubText(text: string): string {
  let scrubbed = text
  for (const [shape, kind] of shapes) scrubbed = scrubbed.replace(shape, kind)
  return scrubbed
}

/** A printable form of an error: name, code, reason and stack frames; the message only when it is one of ours. */
export function describeError(error: Error, depth = 0): Record<string, unknown> {
  const described: Record<string, unknown> = { name: error.name }
  if (error instanceof HeedError) {
    described.reason = error.reason
    described.message = error.message
  }
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' || typeof code === 'number') described.code = code
  const frames = stackFrames(error)
  if (frames !== undefined) described.stack = frames
  if (error.cause instanceof Error && depth < deepest) described.cause = describeError(error.cause, depth + 1)
  return described
}

// The first lines of a stack repeat the message, which may quote what a person typed.
function stackFrames(error: Error): string | undefined {
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line))
  return frames === undefined || frames.length === 0 ? undefined : frames.join('\n')
}

/** A copy of the fields of a log line that is safe to print: errors described, private names hidden, bytes and depth cut. */
export function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  return redactObject(fields, 0)
}

function redactObject(value: object, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) {
    safe[name] = inner !== undefined && inner !== null && isPrivateName(name) ? hidden : redactValue(inner, depth + 1)
  }
  return safe
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value
  if (value instanceof Error) return describeError(value)
  if (value instanceof Date) return value
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  // A type that hides itself says how it is printed.
  const toJson = (value as { toJSON?: unknown }).toJSON
  if (typeof toJson === 'function') return redactValue(toJson.call(value), depth + 1)
  if (depth > deepest) return '[deeper]'
  if (value instanceof Map) return `[${value.size} entries]`
  if (value instanceof Set) return `[${value.size} members]`
  if (Array.isArray(value)) {
    const shown = value.slice(0, longestList).map((item) => redactValue(item, depth + 1))
    return value.length > longestList ? [...shown, `[${value.length - longestList} more]`] : shown
  }
  return redactObject(value, depth)
}
