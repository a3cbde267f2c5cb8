import type { ResolvedIdentifier, Task } from '@heed/connector-kit'
import type { IdentifierKind } from '@heed/domain'

/** The keys of every row, in their order. Always the form with several keys: mixed with the other one, an audience may refuse both. */
export const schema = ['EXTERN_ID', 'EMAIL', 'PHONE', 'MADID'] as const

type Key = (typeof schema)[number]

/** One cell for each key; an empty one where nothing is known. */
export type Row = readonly string[]

const hexDigest = /^[0-9a-f]{64}$/
const device = { key: 'MADID', form: 'device-lower-case', pattern: /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/ } as const

const usable: Readonly<Partial<Record<IdentifierKind, { readonly key: Key; readonly form: string; readonly pattern: RegExp }>>> = {
  email: { key: 'EMAIL', form: 'plain-sha256-hex', pattern: hexDigest },
  phone: { key: 'PHONE', form: 'digits-sha256-hex', pattern: hexDigest },
  'user-id': { key: 'EXTERN_ID', form: 'raw', pattern: /\S/ },
  idfa: device,
  gaid: device,
}

/** The kinds of identifier that an audience can hold, best first. */
export const identifierKinds = Object.keys(usable) as IdentifierKind[]

function cellOf({ kind, form, value }: ResolvedIdentifier): { key: Key; value: string } | undefined {
  const rule = usable[kind]
  return rule !== undefined && rule.form === form && rule.pattern.test(value) ? { key: rule.key, value } : undefined
}

/**
 * A person as rows: as many as she has values of her most frequent key, since a row holds one of each. No row is empty, and no value stands twice. Empty where
 * nothing is known of her that Meta would take.
 */
export function rowsOf(task: Pick<Task, 'identifiers'>): Row[] {
  const columns = new Map<Key, Set<string>>(schema.map((key) => [key, new Set()]))
  for (const identifier of task.identifiers) {
    const cell = cellOf(identifier)
    if (cell !== undefined) columns.get(cell.key)?.add(cell.value)
  }
  const values = schema.map((key) => [...(columns.get(key) ?? [])])
  const count = Math.max(...values.map((column) => column.length))
  return Array.from({ length: count }, (_, index) => values.map((column) => column[index] ?? ''))
}
