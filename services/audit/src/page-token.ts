import { createHash } from 'node:crypto'

/**
 * Where a list goes on, as an opaque text. It belongs to the question that it was given for: with another one it is refused, because it would skip rows without a
 * word.
 */
export function pageToken(question: readonly string[], place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([fingerprint(question), ...place])).toString('base64url')
}

/** The place that a token stands for, or undefined where it is no token of this question. */
export function readPageToken(question: readonly string[], token: string): readonly (string | number)[] | undefined {
  if (token.length > 1_000) return undefined
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    if (!Array.isArray(parsed) || parsed[0] !== fingerprint(question)) return undefined
    const place: unknown[] = parsed.slice(1)
    return place.every((part): part is string | number => typeof part === 'string' || typeof part === 'number') ? place : undefined
  } catch {
    return undefined
  }
}

function fingerprint(question: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 11)
}
