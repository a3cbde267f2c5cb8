import { createHash } from 'node:crypto'

/** What is wrong with a hash, or about whom it is. */
export type Recognised =
  | { readonly kind: 'malformed' }
  /** The hash of somebody who is known, made by another rule than lower case without white space around it. */
  | { readonly kind: 'misread'; readonly address: string }
  | { readonly kind: 'known'; readonly address: string }
  | { readonly kind: 'unknown' }

/** The people whose addresses the vendor has: it can tell whose hash it is given. */
export interface KnownPeople {
  /** A list is one person with several addresses, who is called by the first. */
  know(people: readonly (string | readonly string[])[]): void
  recognise(hash: string): Recognised
  addresses(): readonly string[]
  hashesOf(address: string): string[]
  clear(): void
}

const FORM = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/
const digest = (name: string, text: string): string => createHash(name).update(text, 'utf8').digest('hex')
const DIGESTS = ['md5', 'sha1', 'sha256']
const hashes = (text: string): string[] => DIGESTS.map((name) => digest(name, text))

/** What somebody who misread the rule would hash for this address. */
function misreadings(given: string): string[] {
  const address = given.trim().toLowerCase()
  const at = address.lastIndexOf('@')
  const local = address.slice(0, at).split('+')[0] ?? ''
  return [given.trim(), address.toUpperCase(), `${address}\n`, `${local.replaceAll('.', '')}${address.slice(at)}`, ...hashes(address)]
}

/** Nobody is known. */
export function createKnownPeople(): KnownPeople {
  const people = new Map<string, string>()
  const misread = new Map<string, string>()
  return {
    know(persons) {
      for (const person of persons) {
        const [name = '', ...others] = typeof person === 'string' ? [person] : person
        const owner = name.trim().toLowerCase()
        for (const given of [name, ...others]) {
          const address = given.trim().toLowerCase()
          for (const hash of hashes(address)) people.set(hash, owner)
          for (const text of misreadings(given)) if (text !== address) for (const hash of hashes(text)) misread.set(hash, owner)
        }
      }
    },
    recognise(hash) {
      if (!FORM.test(hash)) return { kind: 'malformed' }
      const address = people.get(hash)
      if (address !== undefined) return { kind: 'known', address }
      const meant = misread.get(hash)
      return meant === undefined ? { kind: 'unknown' } : { kind: 'misread', address: meant }
    },
    addresses: () => [...new Set(people.values())],
    hashesOf: (address) => hashes(address.trim().toLowerCase()),
    clear() {
      people.clear()
      misread.clear()
    },
  }
}
