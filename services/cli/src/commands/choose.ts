import { randomUUID } from 'node:crypto'
import { evidenceKindWords, toTimestamp } from '@heed/contracts'
import type { Evidence } from '@heed/contracts/gen/heed/common/v1/Evidence.ts'
import type { Choice } from '@heed/domain'
import type { CommandContext } from '../context.ts'
import { exitCodes, InputError } from '../failures.ts'
import { choicesFrom, subjectFrom } from '../person.ts'
import { followChange } from './status.ts'

/** What `opt-out` and `opt-in` are told. */
export interface ChooseOptions {
  readonly person: string
  readonly kind?: string | undefined
  readonly purpose: readonly string[]
  readonly all: boolean
  readonly reference?: string | undefined
  readonly requestId?: string | undefined
  readonly watch: boolean
  readonly evidence?: { readonly kind: string; readonly reference: string; readonly collectedAt: string } | undefined
}

const evidenceKinds = ['form', 'double-opt-in', 'preference-page', 'phone-call', 'paper', 'account-setting'] as const

/** Records one choice of one person; with `--watch` follows it to every recipient. */
export async function choose(context: CommandContext, choice: Choice, options: ChooseOptions): Promise<number> {
  const { output } = context
  const { preferences } = context.clients()
  const purposes = options.all ? await refusablePurposes(context) : options.purpose
  const answer = await preferences.setPreferences({
    requestId: options.requestId ?? `cli:${randomUUID()}`,
    subject: subjectFrom(options.person, options.kind),
    choices: choicesFrom(purposes, choice),
    origin: choice === 'granted' ? 'ORIGIN_KIND_PERSON' : 'ORIGIN_KIND_OPERATOR',
    originReference: options.reference ?? '',
    ...(options.evidence === undefined ? {} : { evidence: evidenceFrom(options.evidence) }),
  })
  output.document(answer)
  output.line(
    answer.changed
      ? `recorded as change ${answer.changeId}`
      : `nothing changed: ${purposes.join(', ')} was ${choice} already (change ${answer.changeId})`,
  )
  if (!options.watch || !answer.changed) return exitCodes.done
  return followChange(context, answer.changeId)
}

function evidenceFrom(given: NonNullable<ChooseOptions['evidence']>): Evidence {
  const kind = evidenceKinds.find((known) => known === given.kind)
  if (kind === undefined) throw new InputError(`--evidence: one of ${evidenceKinds.join(', ')}`)
  const collectedAt = Date.parse(given.collectedAt)
  if (Number.isNaN(collectedAt)) throw new InputError('--collected-at: a time such as 2026-11-23T09:30:00Z')
  return { kind: evidenceKindWords.toWire(kind), reference: given.reference, collectedAt: toTimestamp(collectedAt) }
}

async function refusablePurposes(context: CommandContext): Promise<string[]> {
  const { purposes } = await context.clients().preferences.getPolicy({})
  return purposes.filter(({ refusable }) => refusable).map(({ key }) => key)
}
