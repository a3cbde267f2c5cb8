/** A path template as the vendor's documentation writes it, e.g. `/3.0/lists/{list}/members/{hash}`, with what answers there. */
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

interface Compiled<Handler> {
  readonly route: Routed<Handler>
  readonly segments: readonly string[]
}

/** Matches paths against templates; a literal segment is preferred to a parameter. */
export function createRouter<Handler>(routes: readonly Routed<Handler>[]): (method: string, path: string) => Match<Handler> {
  const byLength = new Map<number, Compiled<Handler>[]>()
  const literals = (segments: readonly string[]): number => segments.filter((segment) => !segment.startsWith('{')).length
  for (const route of routes) {
    const segments = route.template.split('/')
    byLength.set(segments.length, [...(byLength.get(segments.length) ?? []), { route, segments }])
  }
  for (const sameLength of byLength.values()) sameLength.sort((a, b) => literals(b.segments) - literals(a.segments))

  return (method, path) => {
    const parts = path.split('/')
    let known: string | undefined
    for (const { route, segments } of byLength.get(parts.length) ?? []) {
      if (!segments.every((segment, index) => segment === parts[index] || (segment.startsWith('{') && parts[index] !== ''))) continue
      if (route.method !== method) {
        known ??= route.template
        continue
      }
      return { kind: 'route', template: route.template, handler: route.handler, parameters: read(segments, parts) }
    }
    return known === undefined ? { kind: 'unknown' } : { kind: 'method-not-allowed', template: known }
  }
}

function read(segments: readonly string[], parts: readonly string[]): Record<string, string> {
  const parameters: Record<string, string> = {}
  segments.forEach((segment, index) => {
    const part = parts[index]
    if (segment.startsWith('{') && part !== undefined) parameters[segment.slice(1, -1)] = decode(part)
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
