import { hash } from 'node:crypto'

/** Changes that were published together, in the order of publication; batches are numbered 1, 2, 3 … without gap. */
export interface PublishedBatch {
  readonly number: number
  /** The ids of the journal's rows. */
  readonly ids: readonly string[]
}

/** The digest of a journal that has published nothing. */
export const emptyJournalDigest = ''

/**
 * The digest of a journal with one more batch: SHA-256 over the JSON of `[digest before, number, ids]`, 64 hexadecimal digits. So it is made of every batch there was and of their
 * order, whenever it was asked for in between.
 */
export function journalDigest(before: string, { number, ids }: PublishedBatch): string {
  return hash('sha256', JSON.stringify([before, number, ids]), 'hex')
}
