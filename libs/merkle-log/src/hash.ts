import { createHash, hash } from 'node:crypto'
import { MerkleLogError } from './errors.ts'

/** A SHA-256 hash: 32 bytes. Callers treat it as immutable. */
export type Hash = Uint8Array

/** The length of every hash in the tree, in bytes. */
export const HASH_BYTES = 32

/** The root of the tree that has no leaf: SHA-256 of nothing (RFC 6962 section 2.1). */
export const EMPTY_ROOT: Hash = new Uint8Array(createHash('sha256').digest())

// Buffers that are used again instead of one for each call: hashing is synchronous, so no two calls can share them at a time.
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES).fill(0x01, 0, 1)
const leafInput = Buffer.alloc(1 + 4096)
const run = Buffer.alloc(256 * HASH_BYTES)

// A digest that is asked for as a string of bytes ("binary" is latin1) costs less than half of one that comes in a buffer of its own.
function sha256Into(target: Buffer, at: number, input: Buffer): void {
  target.write(hash('sha256', input, 'binary'), at, HASH_BYTES, 'latin1')
}

function sha256(input: Buffer): Hash {
  sha256Into(run, 0, input)
  return hashAt(run, 0)
}

/** The hash of one entry: SHA-256(0x00 || entry) (RFC 6962 section 2.1; RFC 9162 section 2.1.1). */
export function leafHash(entry: Uint8Array): Hash {
  if (entry.length >= leafInput.length) return new Uint8Array(createHash('sha256').update(Uint8Array.of(0x00)).update(entry).digest())
  leafInput.set(entry, 1)
  return sha256(leafInput.subarray(0, 1 + entry.length))
}

/**
 * The hash of two neighbouring subtrees: SHA-256(0x01 || left || right) (RFC 6962 section 2.1). The prefix differs from a
 * leaf's, so that no entry can be passed off as a node. Throws `malformed.hash` unless both are 32 bytes.
 */
export function nodeHash(left: Hash, right: Hash): Hash {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new MerkleLogError('malformed.hash', 'a hash is 32 bytes')
  nodeInput.set(left, 1)
  nodeInput.set(right, 1 + HASH_BYTES)
  return sha256(nodeInput)
}

/** Whether the value is a hash by its form: bytes, 32 of them. */
export function isHash(value: unknown): value is Hash {
  return value instanceof Uint8Array && value.length === HASH_BYTES
}

/** Whether two hashes are the same. Nothing here is secret, so the time it takes may depend on the content. */
export function sameHash(left: Hash, right: Hash): boolean {
  return Buffer.compare(left, right) === 0
}

/** A copy of hash number `at` of the hashes that lie one after the other in `bytes`. Not a view: a kept hash must not keep its tile. */
export function hashAt(bytes: Uint8Array, at: number): Hash {
  return new Uint8Array(bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))
}

/**
 * The hash over a run of 2^k neighbouring hashes, at most a tile of them, that lie one after the other in `bytes`, beginning at
 * hash number `first`.
 * Throws `malformed.tile` when they are not there.
 */
export function hashRun(bytes: Uint8Array, first: number, count: number): Hash {
  if (bytes.length < (first + count) * HASH_BYTES)
    throw new MerkleLogError('malformed.tile', 'the tile has fewer hashes than were asked for')
  if (count === 1) return hashAt(bytes, first)
  run.set(bytes.subarray(first * HASH_BYTES, (first + count) * HASH_BYTES))
  for (let left = count; left > 1; left /= 2) {
    for (let at = 0; at < left / 2; at += 1) {
      run.copy(nodeInput, 1, at * 2 * HASH_BYTES, (at + 1) * 2 * HASH_BYTES)
      sha256Into(run, at * HASH_BYTES, nodeInput)
    }
  }
  return hashAt(run, 0)
}
