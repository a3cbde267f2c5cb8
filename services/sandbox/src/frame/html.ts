const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Markup that is already safe: only `html` makes it. */
export interface Html {
  readonly markup: string
}

type Insertable = Html | string | number | readonly Insertable[]

/** A template in which everything inserted is escaped, unless it is markup itself. */
export function html(parts: TemplateStringsArray, ...inserted: readonly Insertable[]): Html {
  return { markup: parts.map((part, index) => part + render(inserted[index] ?? '')).join('') }
}

function render(value: Insertable): string {
  if (typeof value === 'string') return value.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
  if (typeof value === 'number') return String(value)
  return 'markup' in value ? value.markup : value.map(render).join('')
}
