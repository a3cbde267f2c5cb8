import { createSwitches, type Misbehaviour, type Switches } from './misbehaviour.ts'
import type { Stage, VendorControl } from './vendor.ts'

type Common<Kind extends string> = Omit<VendorControl<Kind, never>, 'beliefs' | 'person' | 'reset'>

/** The part of a vendor's control that is the same for all: its switches and its request log. */
export function commonControl<Kind extends string>(stage: Stage): { switches: Switches<Kind>; common: Common<Kind> } {
  const switches = createSwitches<Kind>(stage.clock, stage.random)
  const { requests } = stage
  return {
    switches,
    common: {
      misbehave: (misbehaviour: Misbehaviour<Kind>) => switches.turnOn(misbehaviour),
      behave: () => switches.turnOffAll(),
      misbehaving: () => switches.active(),
      requests: () => requests.recent(),
      requestTotals: () => requests.totals(),
      clearRequests: () => requests.clear(),
      onRequest: (listener) => requests.onRequest(listener),
    },
  }
}
