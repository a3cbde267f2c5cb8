/** Positions in a list; `all` where it is every one. */
export type Positions = 'all' | readonly number[]

/** Positions as numbers. */
export function positionsOf(positions: Positions, size: number): Iterable<number> {
  return positions === 'all' ? Array.from({ length: size }, (_, index) => index) : positions
}

/** Positions in their shortest form. */
export function shortest(positions: readonly number[], size: number): Positions {
  return positions.length === size ? 'all' : positions
}
