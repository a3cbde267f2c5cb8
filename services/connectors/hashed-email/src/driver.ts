import type {
  Connector,
  Descriptor,
  Interpretation,
  Job,
  NothingToSend,
  PlannedRequest,
  Task,
  Transport,
  TransportTools,
} from '@heed/connector-kit'
import type { DeliveryId, ReasonCode } from '@heed/domain'

type Told = Connector<never>

/** How one partner is told: a connector whose settings are already in it. */
export interface Driver {
  readonly descriptor: Descriptor
  /** See `Connector.account`. */
  readonly account: string
  connect(tools: TransportTools): Transport
  plan(tasks: readonly Task[], batch: Parameters<Told['plan']>[2]): readonly (PlannedRequest | NothingToSend)[]
  interpret(request: PlannedRequest, answer: Parameters<Told['interpret']>[1]): Interpretation
  follow(job: Job, covers: readonly DeliveryId[]): PlannedRequest
}

/** A duty that ends without a request. */
export const nothingToSend = (deliveryId: DeliveryId, reason: ReasonCode): NothingToSend => ({
  via: 'nothing',
  covers: [deliveryId],
  outcome: { kind: 'notApplicable', reason },
})
