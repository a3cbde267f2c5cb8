/** A value that JSON can carry without loss. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue | undefined }

/**
 * The one text of a JSON value by RFC 8785: keys sorted by UTF-16 code units, no white space, numbers and strings as ECMAScript writes them. Absent fields are
 * left out. The same value gives the same bytes in every process and version, which is what a hash over it needs.
 * Throws `TypeError` for what RFC 8785 has no text for: a number that is not finite, a text with half a surrogate pair, anything that is no JSON.
 */
export function canonicalJson(value: JsonValue): string {
  // one native call for the whole value costs a fraction of putting texts together; it wants keys in order, and cannot be told the order of keys that are numbers
  const sorted = arranged(value)
  if (sorted !== undefined) {
    const whole = JSON.stringify(sorted)
    // half a surrogate pair comes out as an escape (ECMAScript, well-formed JSON.stringify); whether it is one, the slow way says
    if (!whole.includes('\\ud')) return whole
  }
  return joined(value)
}

/** The value with the keys of its objects in order, itself where they are already. Undefined for what only the slow way can write, or refuse. */
function arranged(value: JsonValue): JsonValue | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : undefined
    case 'object':
      return value === null ? value : isList(value) ? arrangedList(value) : arrangedObject(value)
    default:
      return undefined
  }
}

function arrangedList(values: readonly JsonValue[]): JsonValue | undefined {
  let copy: JsonValue[] | undefined
  for (let at = 0; at < values.length; at += 1) {
    const item = values[at]
    const own = item === undefined ? undefined : arranged(item)
    if (own === undefined) return undefined
    if (own !== item) copy ??= values.slice(0, at)
    copy?.push(own)
  }
  return copy ?? values
}

function arrangedObject(value: { readonly [key: string]: JsonValue | undefined }): JsonValue | undefined {
  if (typeof value.toJSON === 'function') return undefined
  const keys = Object.keys(value)
  let inOrder = true
  let before = ''
  for (const key of keys) {
    if (isNumberLike(key) || key === '__proto__') return undefined
    if (key < before) inOrder = false
    before = key
  }
  if (!inOrder) keys.sort()
  let copy: Record<string, JsonValue> | undefined = inOrder ? undefined : {}
  for (let at = 0; at < keys.length; at += 1) {
    const key = keys[at] ?? ''
    const field = value[key]
    if (field === undefined) continue
    const own = arranged(field)
    if (own === undefined) return undefined
    if (own !== field && copy === undefined) {
      copy = {}
      for (const earlier of keys.slice(0, at)) {
        const kept = value[earlier]
        if (kept !== undefined) copy[earlier] = kept
      }
    }
    if (copy !== undefined) copy[key] = own
  }
  return copy ?? value
}

/** Objects have such keys first, by their number, whatever order they were put in. */
function isNumberLike(key: string): boolean {
  const first = key.charCodeAt(0)
  return first >= 48 && first <= 57
}

function joined(value: JsonValue): string {
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
  return `[${values.map(joined).join(',')}]`
}

function object(value: { readonly [key: string]: JsonValue | undefined }): string {
  const fields: string[] = []
  for (const key of Object.keys(value).sort()) {
    const field = value[key]
    if (field !== undefined) fields.push(`${text(key)}:${joined(field)}`)
  }
  return `{${fields.join(',')}}`
}
