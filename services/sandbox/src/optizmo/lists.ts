import { createHash, randomUUID } from 'node:crypto'
import type { Fact, Store } from '../frame/store.ts'

/** An opt-out list. */
export interface OptoutList {
  readonly id: string
  readonly name: string
}

export type ImportStatus = 'running' | 'success' | 'failed' | 'removed'

/** A file that was, or is to be, uploaded to a list. */
export interface Import {
  readonly reference: string
  readonly listId: string
  readonly length: number
  /** Until when the place to upload to is good, ms since the epoch. */
  readonly expiresAt: number
  readonly signature: string
  status: ImportStatus
  uploadedAt?: number
  counts?: { readonly addedCount: number; readonly malformedCount: number; readonly submittedCount: number }
}

/** What a list holds about one person. */
export interface OptizmoBelief {
  readonly listId: string
  readonly address?: string
  /** MD5 of the trimmed, lower-cased address. */
  readonly hash: string
  readonly suppressed: boolean
}

/** All lists, and what was uploaded to them. */
export interface Lists {
  has(listId: string): boolean
  prepare(listId: string, length: number, lifetimeMs: number): Import
  find(reference: string): Import | undefined
  underWay(): Import[]
  changed(one: Import): void
  /** Adds the lines that are addresses or MD5; a line that is there already stays. */
  take(one: Import, lines: readonly string[], isPoisoned: (hash: string, address: string | undefined) => boolean): void
  know(addresses: readonly string[]): void
  beliefs(): OptizmoBelief[]
  about(hash: string): OptizmoBelief[]
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  clear(): void
}

/** MD5 of an address as the lists keep it. */
export function md5Of(address: string): string {
  return createHash('md5').update(address.trim().toLowerCase(), 'utf8').digest('hex')
}

const ADDRESS = /^[^\s@]+@[^\s@]+$/

/** The lists, with nobody on them. */
export function createLists(lists: readonly OptoutList[], now: () => number, store: () => Store): Lists {
  const held = new Map<string, { listId: string; hash: string }>()
  const imports = new Map<string, Import>()
  const people = new Map<string, string>()
  const belief = (listId: string, hash: string): OptizmoBelief => {
    const address = people.get(hash)
    return { listId, hash, suppressed: held.has(`${listId}/${hash}`), ...(address === undefined ? {} : { address }) }
  }
  const changed = (one: Import): void => store().put('import', one.reference, one)

  return {
    has: (listId) => lists.some(({ id }) => id === listId),
    prepare(listId, length, lifetimeMs) {
      const one: Import = {
        reference: randomUUID(),
        listId,
        length,
        expiresAt: now() + lifetimeMs,
        signature: createHash('sha256').update(randomUUID()).digest('base64url').slice(0, 28),
        status: 'running',
      }
      imports.set(one.reference, one)
      changed(one)
      return one
    },
    find: (reference) => imports.get(reference),
    underWay: () => [...imports.values()].filter(({ status, uploadedAt }) => status === 'running' && uploadedAt !== undefined),
    changed,
    take(one, lines, isPoisoned) {
      let [addedCount, malformedCount] = [0, 0]
      for (const line of lines) {
        const hash = /^[0-9a-f]{32}$/.test(line) ? line : ADDRESS.test(line) ? md5Of(line) : undefined
        if (hash === undefined || isPoisoned(hash, people.get(hash))) {
          malformedCount += 1
          continue
        }
        const key = `${one.listId}/${hash}`
        if (held.has(key)) continue
        addedCount += 1
        held.set(key, { listId: one.listId, hash })
        store().put('held', key, true)
      }
      one.counts = { addedCount, malformedCount, submittedCount: lines.length }
      changed(one)
    },
    know(addresses) {
      for (const address of addresses) people.set(md5Of(address), address)
    },
    beliefs: () =>
      lists.flatMap(({ id }) => {
        const hashes = new Set([...[...held.values()].filter(({ listId }) => listId === id).map(({ hash }) => hash), ...people.keys()])
        return [...hashes].map((hash) => belief(id, hash))
      }),
    about: (hash) => lists.map(({ id }) => belief(id, hash)).filter(({ suppressed, address }) => suppressed || address !== undefined),
    *facts() {
      for (const key of held.keys()) yield ['held', key, true]
      for (const one of imports.values()) yield ['import', one.reference, one]
    },
    restore([kind, id, value]) {
      if (kind === 'import') imports.set(id, value as Import)
      else if (kind === 'held') {
        const [listId = '', hash = ''] = id.split('/')
        held.set(id, { listId, hash })
      } else return false
      return true
    },
    clear() {
      for (const key of held.keys()) store().remove('held', key)
      for (const reference of imports.keys()) store().remove('import', reference)
      for (const one of [held, imports, people]) one.clear()
    },
  }
}
