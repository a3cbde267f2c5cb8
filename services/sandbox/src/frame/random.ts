/** A source of chance that gives the same row of numbers for the same seed. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** The given number of lowercase hex characters. */
  hex(length: number): string
  /** The same elements in another order; the argument is left as it is. */
  shuffled<T>(items: readonly T[]): T[]
}

/** Mulberry32 (public domain, by Tommy Ettinger): small, fast, good enough to choose what goes wrong. Not for secrets. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    hex: (length) => Array.from({ length }, () => Math.floor(next() * 16).toString(16)).join(''),
    shuffled(items) {
      return items
        .map((item) => ({ item, rank: next() }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ item }) => item)
    },
  }
}
