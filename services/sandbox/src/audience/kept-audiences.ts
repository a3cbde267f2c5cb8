import { commonControl } from '../frame/common-control.ts'
import { type Kept, openKept } from '../frame/kept.ts'
import type { Switches } from '../frame/misbehaviour.ts'
import type { Store } from '../frame/store.ts'
import type { Stage, VendorControl } from '../frame/vendor.ts'
import { type Audience, type AudienceBook, createAudienceBook, type Recognition } from './book.ts'
import { type AudienceControl, audienceControl } from './control.ts'
import { createWork, type Work } from './work.ts'

/** A part of a vendor that forgets when it is told to. */
export interface Forgetful extends Kept {
  clear(): void
}

/** What a vendor with audiences is made from. */
export interface AudiencesSetUp<Settings> {
  readonly audiences: readonly Audience[]
  readonly recognition: Recognition
  readonly settings: Settings
  /** How long after its answer a change holds, in milliseconds; 0 is at once. */
  applyDelayMs(): number
  /** When a seeded membership ends by itself, in milliseconds since the epoch. */
  seedExpiry?(audience: Audience): number | undefined
  /** Further parts whose facts are kept. */
  more?(book: AudienceBook, store: () => Store): readonly Forgetful[]
  /** Forgets what is not kept, such as quotas. */
  forget?(): void
}

/** Audiences that are kept, changed a while after each request, and controlled from outside. */
export interface KeptAudiences<Fault extends string, Settings> {
  readonly switches: Switches<Fault>
  readonly book: AudienceBook
  readonly work: Work
  readonly store: Store
  readonly control: AudienceControl<Fault, Settings>
}

/** Makes them. */
export function keptAudiences<Fault extends string, Settings extends object>(
  stage: Stage,
  setUp: AudiencesSetUp<Settings>,
): KeptAudiences<Fault, Settings> {
  const { switches, common } = commonControl<Fault>(stage)
  const { parts, store } = openKept(stage, (kept) => {
    const audiences = createAudienceBook(setUp.audiences, setUp.recognition, stage.clock.now, kept)
    const work = createWork(stage, audiences, kept, setUp.applyDelayMs)
    return [audiences, work, ...(setUp.more?.(audiences, kept) ?? [])] as const
  })
  const [book, work] = parts
  const control: AudienceControl<Fault, Settings> = {
    ...common,
    ...audienceControl(book, setUp.settings, () => work.underWay(), setUp.seedExpiry),
    reset() {
      common.behave()
      common.clearRequests()
      for (const part of parts) part.clear()
      setUp.forget?.()
    },
  }
  return { switches, book, work, store, control: control satisfies VendorControl<Fault, object> }
}
