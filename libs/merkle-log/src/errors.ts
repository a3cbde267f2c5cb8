/**
 * What was wrong with bytes, a key or a request, as a two-level code.
 * `malformed.*`: not in the form its specification demands. `unsupported.*`: well formed, and not spoken here.
 * `invalid.range`: an index or a size that no such tree has. `unreadable.tile`: a reader gave other bytes than were asked for.
 */
export type MerkleLogReason =
  | 'malformed.hash'
  | 'malformed.frontier'
  | 'malformed.tile'
  | 'malformed.tile-path'
  | 'malformed.entry-bundle'
  | 'malformed.key'
  | 'malformed.note'
  | 'malformed.checkpoint'
  | 'malformed.proof'
  | 'unsupported.key-type'
  | 'invalid.range'
  | 'unreadable.tile'

/**
 * The only error that this library throws for bad input. Its message says what was expected and where,
 * and never repeats the input, so that it can be logged.
 */
export class MerkleLogError extends Error {
  readonly reason: MerkleLogReason

  constructor(reason: MerkleLogReason, message: string) {
    super(message)
    this.name = 'MerkleLogError'
    this.reason = reason
  }
}

/** A check that did not hold: which one, as a two-level code, and one plain sentence for a person. */
export type Failure<Reason extends string> = { readonly ok: false; readonly reason: Reason; readonly detail: string }

/** What a check says: it holds, or which part of it does not. A verifier returns one of these and never throws on bad input. */
export type Verdict<Reason extends string> = { readonly ok: true } | Failure<Reason>

/** Builds a {@link Failure}. */
export function failure<Reason extends string>(reason: Reason, detail: string): Failure<Reason> {
  return { ok: false, reason, detail }
}
