import type { RecipientId } from '@heed/domain'
import type { Verdict } from './inbox/flights.ts'

/** A verdict that is to be told, and the record that keeps it until it is. */
export interface Letter {
  readonly record: string
  readonly recipientId: RecipientId
  readonly verdict: Verdict
}

/** Where what was decided goes to be told. */
export interface Outcomes {
  /** This verdict is recorded: it is told soon, and after a crash by whoever takes the record over. */
  post(letter: Letter): void
  /** Nothing more comes into that record: it is dropped once all of it is told. */
  close(record: string, recipientId: RecipientId): void
  /** The record holds these verdicts and gets no more; all of them are told. */
  replace(record: string, recipientId: RecipientId, verdicts: readonly Verdict[]): void
  /** Rows have outcomes in outboxes of their own. */
  rowsWritten(): void
}
