import { z } from 'zod'
import { HeedError } from '../errors/index.ts'

/** One variable: what it may be, whether it may be shown, and what it is for. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  schema: S
  /** Shown as "set", never as its value. */
  secret?: boolean
  /** One sentence for whoever runs the service. */
  describe?: string
}

/** Variable name → what it may be. A bare schema is a setting that is not secret. */
export type ConfigShape = Record<string, z.ZodType | Setting>

type SchemaOf<T> = T extends z.ZodType ? T : T extends Setting<infer S> ? S : never

/** The parsed values by variable name. */
export type Config<Shape extends ConfigShape> = { readonly [Name in keyof Shape]: z.output<SchemaOf<Shape[Name]>> }

export interface ConfigProblem {
  variable: string
  message: string
}

/** Every variable that is missing or wrong, at once. Values are not quoted: one of them may be a secret. */
export class ConfigError extends HeedError {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super('config.invalid', `configuration: ${problems.map(({ variable, message }) => `${variable}: ${message}`).join('; ')}`)
    this.problems = problems
  }
}

const shapes = new WeakMap<object, ConfigShape>()

const settingOf = (entry: z.ZodType | Setting): Setting => (entry instanceof z.ZodType ? { schema: entry } : entry)

/**
 * The values of the variables that the shape names. A variable that is empty counts as not set, so that a default holds.
 * @throws ConfigError that lists every problem of every variable.
 */
export function readConfig<const Shape extends ConfigShape>(
  env: Readonly<Record<string, string | undefined>>,
  shape: Shape,
): Config<Shape> {
  const values: Record<string, unknown> = {}
  const problems: ConfigProblem[] = []
  for (const [variable, entry] of Object.entries(shape)) {
    const { schema } = settingOf(entry)
    const given = env[variable]?.trim()
    const parsed = schema.safeParse(given === '' ? undefined : given)
    if (parsed.success) values[variable] = parsed.data
    else for (const issue of parsed.error.issues) problems.push({ variable, message: problemText(issue, given) })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  shapes.set(values, shape)
  return values as Config<Shape>
}

/** What the start line shows: each value, a secret only as "set" or "not set". */
export function describeConfig(config: object): Record<string, unknown> {
  const shape = shapes.get(config) ?? {}
  const shown: Record<string, unknown> = {}
  for (const [variable, value] of Object.entries(config)) {
    const entry = shape[variable]
    // A variable that the shape does not know is treated as secret: hiding too much is the lesser fault.
    const secret = entry === undefined || settingOf(entry).secret === true
    shown[variable] = secret ? (value === undefined ? 'not set' : 'set') : withoutCredentials(value)
  }
  return shown
}

/** A setting that has a value. */
export interface GivenSetting {
  readonly variable: string
  readonly value: unknown
  readonly secret: boolean
}

/** Every setting that has a value, given or by default. One that the shape does not know counts as secret. */
export function givenSettings(config: object): GivenSetting[] {
  const shape = shapes.get(config) ?? {}
  return Object.entries(config).flatMap(([variable, value]) => {
    const entry = shape[variable]
    return value === undefined ? [] : [{ variable, value, secret: entry === undefined || settingOf(entry).secret === true }]
  })
}

/** Name, purpose and default of each variable, for a help page. */
export function describeSettings(shape: ConfigShape): { variable: string; describe: string; secret: boolean }[] {
  return Object.entries(shape).map(([variable, entry]) => {
    const { describe, secret } = settingOf(entry)
    return { variable, describe: describe ?? '', secret: secret === true }
  })
}

function problemText(issue: { code: string; message: string }, given: string | undefined): string {
  if (given === undefined || given === '') return 'is missing'
  // zod's "received" quotes the value for some kinds; only closed texts pass.
  return issue.message.includes(given) ? 'is not valid' : issue.message
}

// mongodb://user:password@host: the password is hidden even where nobody marked the variable as secret.
function withoutCredentials(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/(:\/\/)[^/@\s]+@/, '$1[credentials]@') : value
}
