import type { Descriptor } from './contract.ts'
import { SettingsError } from './settings.ts'

/** How what a recipient was told is kept true although nobody changes anything. 0 = never. */
export interface Upkeep {
  /** Every refusal is told again so often, spread over that time. For vendors that cannot be read. */
  readonly reassertEveryDays: number
  /** So often a sample of those who were told is read back and compared. For vendors that can be read. */
  readonly driftSampleEveryHours: number
  /** How many are in a sample. */
  readonly driftSampleSize: number
}

const sampleDefaults = { driftSampleEveryHours: 24, driftSampleSize: 50 }
const names = ['reassertEveryDays', 'driftSampleEveryHours', 'driftSampleSize'] as const
// what a year's wish, or a whole day's reading, could still mean
const most: Readonly<Record<(typeof names)[number], number>> = {
  reassertEveryDays: 366,
  driftSampleEveryHours: 366 * 24,
  driftSampleSize: 10_000,
}

function numberOf(name: (typeof names)[number], given: unknown): number {
  // a reference is replaced by text
  const value = typeof given === 'string' && /^\d{1,6}$/.test(given) ? Number(given) : given
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most[name])
    throw new SettingsError(name, `is a whole number from 0 (never) to ${most[name]}`)
  return value
}

/** A recipient's settings in two: what every kind of connector has, still unchecked, and the connector's own. */
export function separateUpkeep(settings: Readonly<Record<string, unknown>>): {
  readonly given: Readonly<Record<string, unknown>>
  readonly own: Readonly<Record<string, unknown>>
} {
  const isUpkeep = ([name]: [string, unknown]) => names.some((known) => known === name)
  const entries = Object.entries(settings)
  return {
    given: Object.fromEntries(entries.filter(isUpkeep)),
    own: Object.fromEntries(entries.filter((entry) => !isUpkeep(entry))),
  }
}

/**
 * A recipient's upkeep: what its settings say, or what suits its vendor. Pure.
 * @throws SettingsError for a value that is none, and for one that this vendor has no use for.
 */
export function upkeepOf(given: Readonly<Record<string, unknown>>, descriptor: Descriptor): Upkeep {
  const readable = descriptor.readBack !== undefined
  const value = (name: (typeof names)[number], byItself: number) => (given[name] === undefined ? byItself : numberOf(name, given[name]))
  const upkeep: Upkeep = {
    reassertEveryDays: value('reassertEveryDays', descriptor.reassertEveryDays ?? 0),
    driftSampleEveryHours: value('driftSampleEveryHours', readable ? sampleDefaults.driftSampleEveryHours : 0),
    driftSampleSize: value('driftSampleSize', readable ? sampleDefaults.driftSampleSize : 0),
  }
  if (!readable && upkeep.driftSampleEveryHours * upkeep.driftSampleSize > 0)
    throw new SettingsError('driftSampleEveryHours', `a ${descriptor.name} connector cannot read its vendor back`)
  if (upkeep.reassertEveryDays > 0 && descriptor.batch.sequenced === true)
    throw new SettingsError('reassertEveryDays', `a ${descriptor.name} connector tells everything again with its full batches`)
  return upkeep
}
