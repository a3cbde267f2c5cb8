import type { Switches } from '../frame/misbehaviour.ts'
import { type Key, keyValue, type Person } from './people.ts'

/**
 * Whether a switch of this kind concerns whoever is meant by the keys; using it counts. `undefined` while none is on, so that large
 * requests need not be asked one by one. `match.address` means whatever keys the vendor makes of the address, `match.hash` the value of a
 * key; a switch without a match concerns everybody.
 */
export function personSwitch<Kind extends string>(
  switches: Switches<Kind>,
  kind: Kind,
  keysOf: (person: Person) => readonly Key[],
): ((keys: readonly Key[]) => boolean) | undefined {
  const candidates = switches
    .active()
    .filter((one) => one.kind === kind)
    .map(({ match }) => ({ match, keys: match?.address === undefined ? undefined : new Set(keysOf({ addresses: [match.address] })) }))
  if (candidates.length === 0) return undefined
  return (keys) => {
    for (const { match, keys: meant } of candidates) {
      if (meant !== undefined && !keys.some((key) => meant.has(key))) continue
      if (match?.hash !== undefined && !keys.some((key) => keyValue(key) === match.hash)) continue
      if (switches.take(kind, { ...match }) !== undefined) return true
    }
    return false
  }
}
