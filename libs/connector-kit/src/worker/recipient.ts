import type { Recipient, RecipientId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { Logger } from '@heed/platform/log'
import type { WorkEvents } from '../events.ts'
import type { IdentifierDirectory } from '../identifiers.ts'
import type { Flights } from '../inbox/flights.ts'
import type { Line } from '../inbox/line.ts'
import type { StandingRows } from '../inbox/standing-rows.ts'
import type { Outcomes } from '../outcomes.ts'
import type { Upkeep } from '../upkeep.ts'
import type { BatchStore } from './batch-store.ts'
import type { Sender } from './execute.ts'
import type { RecipientStates } from './recipient-state.ts'
import type { Reports } from './reports.ts'

/** Moments at which a fault test may stop a worker. */
export type ProbePoint =
  /** It is recorded what is about to be sent; nothing was sent. */
  | 'claimed'
  /** The vendor has answered; nothing of it is stored. */
  | 'answered'
  /** It is recorded what became of rows; they do not know it. */
  | 'decided'
  /** Rows are settled; their outcomes are not published. */
  | 'settled'
  /** Outcomes are published; they are not cleared yet. */
  | 'published'

/** Runs at a moment, for fault tests: one that never resolves stops the work there, as a killed process would. */
export type Probe = (point: ProbePoint) => void | Promise<void>

/** All that the work for one recipient needs. */
export interface RecipientWork<Settings> {
  readonly recipientId: RecipientId
  readonly sender: Sender<Settings>
  readonly line: Line
  readonly standing: StandingRows
  readonly flights: Flights
  readonly batches: BatchStore
  readonly states: RecipientStates
  readonly upkeep: Upkeep
  readonly reports: Reports
  /** Batches whose rows are on their way to follow them: what is reported about these waits. */
  readonly beginning: Set<string>
  readonly directory: IdentifierDirectory
  readonly clock: Clock
  readonly log: Logger
  readonly events: WorkEvents
  /** In [0, 1): jitter and samples. */
  readonly random: () => number
  readonly probe: Probe
  readonly outcomes: Outcomes
}

/** What a recipient's entry in the policy comes to for this kind of connector. */
export interface ConfiguredRecipient<Settings> {
  readonly recipient: Recipient
  readonly settings: Settings
}
