/** Where in a document something stands: keys and list positions from the top. */
export type Path = readonly (string | number)[]

/** One fault of a policy document, with the place where it is to be mended. */
export interface PolicyProblem {
  readonly path: Path
  readonly message: string
}

// edits between two words: insert, delete, replace, swap of neighbours
function distance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1))
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (beforeLast[j - 2] ?? best) + 1)
      row.push(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}

/** `: did you mean "x"?` for the nearest of the known words, or nothing where none is near. */
export function suggestion(word: string, known: Iterable<string>): string {
  // a word of a few letters may differ in one, a long one in three
  const allowed = Math.min(3, Math.max(1, Math.floor(word.length / 3)))
  let nearest: string | undefined
  let least = allowed + 1
  if (word.length > 100) return ''
  for (const candidate of known) {
    const edits = distance(word.toLowerCase(), candidate.toLowerCase())
    if (edits < least) {
      least = edits
      nearest = candidate
    }
  }
  return nearest === undefined ? '' : `: did you mean "${nearest}"?`
}

/** What a value is, in words for a person. */
function nameOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a group of keys'
  return `a ${typeof value}`
}

/** The entries of one mapping. Every reader notes a problem where the entry is not what it should be, and then returns an empty stand-in. */
export interface Fields {
  readonly path: Path
  has(key: string): boolean
  at(key: string): Path
  text(key: string): string
  flag(key: string): boolean
  /** A number from `least` to `most`, whole where `whole` is set. */
  number(key: string, limits: { readonly least: number; readonly most: number; readonly whole: boolean }): number
  oneOf<T extends string>(key: string, allowed: readonly T[]): T
  /** A list, each item read by itself; items that are none come back as undefined and are left out. Absent and `optional`: empty. */
  list<T>(key: string, read: (value: unknown, path: Path) => T | undefined, options?: { readonly optional?: boolean }): T[]
  group(key: string, known: readonly string[]): Fields | undefined
  value(key: string): unknown
}

/** The value as a mapping with none but the known keys, or undefined (and a problem) where it is no mapping. */
export function fieldsOf(value: unknown, path: Path, known: readonly string[], problems: PolicyProblem[]): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push({ path, message: `must be a group of keys (${known.join(', ')}), and is ${nameOf(value)}` })
    return undefined
  }
  const entries = new Map<string, unknown>(Object.entries(value))
  for (const key of entries.keys()) {
    if (!known.includes(key)) {
      const near = suggestion(key, known)
      problems.push({ path: [...path, key], message: `unknown key "${key}"${near === '' ? `; known here: ${known.join(', ')}` : near}` })
    }
  }
  const at = (key: string): Path => [...path, key]
  // a missing entry has no place of its own: it is reported where the mapping stands
  const wrong = (key: string, wanted: string): void => {
    const found = entries.get(key)
    if (found === undefined) problems.push({ path, message: `"${key}" is missing: ${wanted}` })
    else problems.push({ path: at(key), message: `must be ${wanted}, and is ${nameOf(found)}` })
  }
  const text = (key: string, wanted: string): string => {
    const found = entries.get(key)
    if (typeof found === 'string' && found.trim() !== '') return found.trim()
    const quoted = typeof found === 'number' || typeof found === 'boolean' ? ' (put it in quotes)' : ''
    wrong(key, `${wanted}${quoted}`)
    return ''
  }
  return {
    path,
    at,
    has: (key) => entries.has(key),
    value: (key) => entries.get(key),
    text: (key) => text(key, 'a text'),
    flag(key) {
      const found = entries.get(key)
      if (typeof found !== 'boolean') wrong(key, 'true or false')
      return found === true
    },
    number(key, { least, most, whole }) {
      const found = entries.get(key)
      const fits = typeof found === 'number' && found >= least && found <= most && (!whole || Number.isInteger(found))
      if (fits) return found
      if (typeof found === 'number')
        problems.push({ path: at(key), message: `must be ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}` })
      else wrong(key, `${whole ? 'a whole number' : 'a number'} from ${least} to ${most}`)
      return least
    },
    oneOf<T extends string>(key: string, allowed: readonly T[]): T {
      const wanted = `one of ${allowed.join(', ')}`
      const found = text(key, wanted)
      const match = allowed.find((candidate) => candidate === found)
      if (match === undefined && found !== '') problems.push({ path: at(key), message: `must be ${wanted}${suggestion(found, allowed)}` })
      // the caller never sees the stand-in: a document with problems becomes no policy
      return match ?? (allowed[0] as T)
    },
    list(key, read, options) {
      const found = entries.get(key)
      if (found === undefined && options?.optional === true) return []
      if (!Array.isArray(found)) {
        wrong(key, 'a list')
        return []
      }
      return found.flatMap((item: unknown, index) => {
        const one = read(item, [...path, key, index])
        return one === undefined ? [] : [one]
      })
    },
    group(key, keys) {
      if (entries.has(key)) return fieldsOf(entries.get(key), at(key), keys, problems)
      wrong(key, `a group of keys (${keys.join(', ')})`)
      return undefined
    },
  }
}
