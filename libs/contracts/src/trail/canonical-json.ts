/** A value that JSON can carry without loss. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue | undefined }

/**
 * The one text of a JSON value by RFC 8785: keys sorted by UTF-16 code units, no white space, numbers and strings as ECMAScript writes them. Absent fields are
 * left out. The same value gives the same bytes in every process and version, which is what a hash over it needs.
 * Throws `TypeError` for what RFC 8785 has no text for: a number that is not finite, a text with half a surrogate pair, anything that is no JSON.
 */
export function canonicalJson(value: JsonValue): string {
  switch (typeof value) {
    case 'string':
      return text(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('a number that is not finite has no JSON')
      return JSON.stringify(value)
    case 'object':
      return value === null ? 'null' : isList(value) ? list(value) : object(value)
    default:
      throw new TypeError(`a ${typeof value} has no JSON`)
  }
}

function text(value: string): string {
  if (/\p{Surrogate}/u.test(value)) throw new TypeError('half a surrogate pair has no UTF-8')
  return JSON.stringify(value)
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function list(values: readonly JsonValue[]): string {
  return `[${values.map(canonicalJson).join(',')}]`
}

function object(value: { readonly [key: string]: JsonValue | undefined }): string {
  const fields: string[] = []
  for (const key of Object.keys(value).sort()) {
    const field = value[key]
    if (field !== undefined) fields.push(`${text(key)}:${canonicalJson(field)}`)
  }
  return `{${fields.join(',')}}`
}
