import { HeedError } from '@heed/platform/errors'

/** Another process keeps the log now; this one has to stop. */
export class LogFencedError extends HeedError {
  constructor(fence: number) {
    super('trail.fenced', `fence ${fence} is outdated: another process keeps the log`)
  }
}

/** Why a log is not gone on with: whatever it would sign next might contradict what it signed before. */
export type LogRefusal =
  /** The store has fewer entries than a checkpoint that was published. */
  | 'trail.rolled-back'
  /** The store has another tree than a checkpoint that was published. */
  | 'trail.forked'
  /** The store's own tiles are not those of its tree. */
  | 'trail.damaged'
  /** The store holds the log of another name. */
  | 'trail.other-origin'
  /** What stands where checkpoints are published is no checkpoint of this log. */
  | 'trail.unreadable-checkpoint'

/** The log is not gone on with before somebody has looked. The message says what is there and what was expected; it holds no personal data. */
export class LogRefusedError extends HeedError {
  readonly refusal: LogRefusal

  constructor(refusal: LogRefusal, message: string) {
    super(refusal, message)
    this.refusal = refusal
  }
}
