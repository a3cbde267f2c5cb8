import { type EntryKind, type Leaf, parseLeaf } from '@heed/contracts/trail'
import { type Outcome, waitReasons } from '@heed/domain'
import { z } from 'zod'
import type { EvidenceEntry } from './bundle.ts'

// What an entry tells, by kind. A leaf is read before it is believed, so everything here may be anything: what does not fit is left out, never thrown over.

const time = z.int().min(0).max(8_640_000_000_000_000)
const choices = z.record(z.string(), z.enum(['granted', 'denied']))
const texts = z.array(z.string())

const change = z.object({
  cause: z.enum(['choice', 'identifiers-linked', 'merged', 'erasure']),
  choices: z.record(z.string(), z.object({ choice: z.enum(['granted', 'denied']), version: z.number(), at: time })),
  changed: texts,
  linked: texts,
  origin: z.string(),
})
const requested = z.object({
  assertion: z.number(),
  kind: z.enum(['preference', 'erasure']),
  wanted: choices,
  acceptedAt: time,
  deadlineAt: time,
})
const disclosure = z.object({
  identifiers: z.array(z.object({ kind: z.string(), form: z.string(), count: z.number() })),
  forDelivery: z.boolean(),
})
const reason = z.string() as unknown as z.ZodType<`item.${string}`, string>
const outcome: z.ZodType<Outcome, unknown> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('confirmed') }),
  z.object({ kind: z.literal('accepted'), final: z.boolean() }),
  z.object({ kind: z.literal('verified') }),
  z.object({ kind: z.literal('deferred'), reason }),
  z.object({ kind: z.literal('rejected'), reason }),
  z.object({ kind: z.literal('notApplicable'), reason }),
  z.object({ kind: z.literal('superseded'), by: z.number() }),
  // who and why are under the entry's commitment
  z.object({ kind: z.literal('resolved') }).transform((known) => ({ ...known, by: '', why: '' })),
])
const attempt = z.object({
  assertion: z.number(),
  attempt: z.number(),
  outcome,
  waitReason: z.enum(waitReasons).optional(),
  nextTryAt: time.optional(),
})
const policy = z.object({ policyId: z.string(), sha256: z.string(), service: z.string() })

/** What a change was. */
export type ChangeFacts = z.output<typeof change>
/** What was owed to a recipient. */
export type RequestFacts = z.output<typeof requested>
/** What was handed over. */
export type DisclosureFacts = z.output<typeof disclosure>
/** What an attempt came to. */
export type AttemptFacts = z.output<typeof attempt>
/** Which policy a service began to serve. */
export type PolicyFacts = z.output<typeof policy>

/** An entry of a bundle as it can be read. `subjectIds`: whom it is about and whom it mentions, as far as that was disclosed. */
export interface ReadEntry {
  readonly sequence: number
  readonly leaf: Leaf
  readonly subjectIds: readonly string[]
}

/** The entries whose leaves can be read, in the bundle's order. */
export function readEntries(entries: readonly EvidenceEntry[]): ReadEntry[] {
  return entries.flatMap(({ sequence, leaf: text, disclosure: shown }) => {
    const leaf = parseLeaf(text)
    return leaf === undefined ? [] : [{ sequence, leaf, subjectIds: shown?.subjects.map(({ subjectId }) => subjectId) ?? [] }]
  })
}

const read =
  <T>(kind: EntryKind, shape: z.ZodType<T, unknown>) =>
  (leaf: Leaf): T | undefined => {
    if (leaf.kind !== kind) return undefined
    const parsed = shape.safeParse(leaf.what)
    return parsed.success ? parsed.data : undefined
  }

/** What the leaf tells of a change; undefined for every other. */
export const changeFacts = read<ChangeFacts>('change-accepted', change)
/** What the leaf tells of a delivery that was requested; undefined for every other. */
export const requestFacts = read<RequestFacts>('delivery-requested', requested)
/** What the leaf tells of identifiers that were handed over; undefined for every other. */
export const disclosureFacts = read<DisclosureFacts>('disclosure-made', disclosure)
/** What the leaf tells of an attempt; undefined for every other. */
export const attemptFacts = read<AttemptFacts>('delivery-attempted', attempt)
/** What the leaf tells of a policy that was loaded; undefined for every other. */
export const policyFacts = read<PolicyFacts>('policy-loaded', policy)
