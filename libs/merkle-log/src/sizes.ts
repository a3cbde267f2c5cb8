import { MerkleLogError } from './errors.ts'

// Sizes and indexes are numbers, not bigints: 2^53 - 1 leaves are three hundred thousand years at 1,000 entries/s, and a
// number is what a database and JSON hand over. JavaScript's bit operators cut to 32 bits, so halves and powers are arithmetic.

/** Whether `value` can be a count of leaves: a whole number from 0 to 2^53 - 1. */
export function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** Throws `invalid.range` unless `value` can be a count of leaves. */
export function requireSize(value: number, what: string): void {
  if (!isSize(value)) throw new MerkleLogError('invalid.range', `${what} must be a whole number from 0 to 2^53 - 1`)
}

/** The size that a decimal spells, or undefined: digits only, no leading zero, at most 2^53 - 1. */
export function parseSize(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined
  const value = Number(text)
  return isSize(value) ? value : undefined
}

/** Whether the lowest bit is set. */
export function isOdd(value: number): boolean {
  return value % 2 === 1
}

/** A shift to the right by one bit. */
export function half(value: number): number {
  return Math.floor(value / 2)
}

/** The largest power of two that is at most `value` (at least 1), as an exponent. */
export function floorLog2(value: number): number {
  let exponent = 0
  for (let rest = value; rest >= 2; rest = half(rest)) exponent += 1
  return exponent
}

/** How many bits of `value` are set: the number of complete subtrees that make up a tree of that size. */
export function countOnes(value: number): number {
  let ones = 0
  for (let rest = value; rest > 0; rest = half(rest)) if (isOdd(rest)) ones += 1
  return ones
}
