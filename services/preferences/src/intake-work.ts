import type { Evidence, Origin, RequestedChoice, SubjectId } from '@heed/domain'
import type { PersonRef } from './door.ts'
import type { Handed } from './outbox.ts'
import type { Accepted } from './request-memory.ts'
import type { ChangeRow } from './rows.ts'

/** One request to change what a person chose, checked at the door. */
export interface IntakeItem {
  /** `<caller>:<request id>` */
  readonly rowId: string
  readonly body: string
  readonly ref: PersonRef
  readonly requested: readonly RequestedChoice[]
  readonly evidence?: Evidence
  readonly origin: Origin
  /** The newest version that the caller has seen. */
  readonly expectedVersion?: number
}

/** A request on its way through the intake. */
export interface Work {
  readonly item: IntakeItem
  attempts: number
  settled: boolean
  /** Decided on what was read for this very attempt. Only such a decision may end in anything but a new version. */
  certain: boolean
  /** The subject was made for this request a moment ago: it has no version yet, unless somebody is faster. */
  fresh: boolean
  resolve(accepted: Accepted): void
  reject(error: Error): void
}

/** A request whose turn it is: the first in the lane of its subject. */
export type Head = readonly [subjectId: SubjectId, work: Work]

/** A row that is to be stored for a request. */
export interface Pending<Row> {
  readonly subjectId: SubjectId
  readonly work: Work
  readonly row: Row
}

/** A change that is to be stored. */
export interface Made extends Pending<ChangeRow>, Handed {
  readonly row: ChangeRow
}
