/**
 * What a method asks for: one scope, or any of several. `identifiers:resolve:*` asks for at least one scope below
 * `identifiers:resolve:`; the handler then checks which (`context.requireScope`).
 */
export type ScopeRule = string | readonly string[]

/** Whether the held scope covers the asked one: the same, `*`, or a `:*` above it. */
export function scopeCovers(held: string, asked: string): boolean {
  if (held === '*' || held === asked) return true
  return held.endsWith(':*') && asked.startsWith(held.slice(0, -1))
}

/** Whether one of the held scopes satisfies the rule. */
export function scopesSatisfy(held: readonly string[], rule: ScopeRule): boolean {
  const asked = typeof rule === 'string' ? [rule] : rule
  return asked.some((scope) =>
    held.some(
      (one) => scopeCovers(one, scope) || (scope.endsWith(':*') && one.startsWith(scope.slice(0, -1)) && one.length > scope.length - 1),
    ),
  )
}
