/**
 * A path template as the vendor's documentation writes it, e.g. `/3.0/lists/{list}/members/{hash}`, with what answers there.
 * A segment holds at most one parameter, with literal text around it where the vendor has some: `properties/{property}:submitUserDeletion`.
 */
export interface Routed<Handler> {
  readonly method: string
  readonly template: string
  readonly handler: Handler
}

/** Where a path leads: to a route, to a template that does not take this method, or nowhere. */
export type Match<Handler> =
  | { readonly kind: 'route'; readonly template: string; readonly handler: Handler; readonly parameters: Readonly<Record<string, string>> }
  | { readonly kind: 'method-not-allowed'; readonly template: string }
  | { readonly kind: 'unknown' }

/** A literal segment has no name; its text is the prefix. */
interface Segment {
  readonly prefix: string
  readonly name?: string
  readonly suffix: string
}

interface Compiled<Handler> {
  readonly route: Routed<Handler>
  readonly segments: readonly Segment[]
}

/** Matches paths against templates; a literal segment is preferred to a parameter with text around it, and that to a bare one. */
export function createRouter<Handler>(routes: readonly Routed<Handler>[]): (method: string, path: string) => Match<Handler> {
  const byLength = new Map<number, Compiled<Handler>[]>()
  for (const route of routes) {
    const segments = route.template.split('/').map(compile)
    byLength.set(segments.length, [...(byLength.get(segments.length) ?? []), { route, segments }])
  }
  for (const sameLength of byLength.values()) sameLength.sort((a, b) => literalness(b.segments) - literalness(a.segments))

  return (method, path) => {
    const parts = path.split('/')
    let known: string | undefined
    for (const { route, segments } of byLength.get(parts.length) ?? []) {
      if (!segments.every((segment, index) => fits(segment, parts[index] ?? ''))) continue
      if (route.method !== method) {
        known ??= route.template
        continue
      }
      return { kind: 'route', template: route.template, handler: route.handler, parameters: read(segments, parts) }
    }
    return known === undefined ? { kind: 'unknown' } : { kind: 'method-not-allowed', template: known }
  }
}

function compile(text: string): Segment {
  const [, prefix = '', name, suffix = ''] = /^([^{]*)\{([^}]+)\}(.*)$/.exec(text) ?? []
  return name === undefined ? { prefix: text, suffix: '' } : { prefix, name, suffix }
}

function literalness(segments: readonly Segment[]): number {
  return segments.reduce((sum, { name, prefix, suffix }) => sum + (name === undefined ? 2 : prefix + suffix === '' ? 0 : 1), 0)
}

function fits({ prefix, name, suffix }: Segment, part: string): boolean {
  if (name === undefined) return part === prefix
  return part.length > prefix.length + suffix.length && part.startsWith(prefix) && part.endsWith(suffix)
}

function read(segments: readonly Segment[], parts: readonly string[]): Record<string, string> {
  const parameters: Record<string, string> = {}
  segments.forEach(({ prefix, name, suffix }, index) => {
    const part = parts[index]
    if (name !== undefined && part !== undefined) parameters[name] = decode(part.slice(prefix.length, part.length - suffix.length))
  })
  return parameters
}

function decode(part: string): string {
  if (!part.includes('%')) return part
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
