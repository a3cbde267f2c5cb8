import { randomUUID } from 'node:crypto'
import { identifierKindWords } from '@heed/contracts'
import type { SubjectRef } from '@heed/contracts/gen/heed/common/v1/SubjectRef.ts'
import type { ErasureStatus__Output } from '@heed/contracts/gen/heed/preferences/v1/ErasureStatus.ts'
import type { PlanErasureResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/PlanErasureResponse.ts'
import type { PlannedDelivery__Output } from '@heed/contracts/gen/heed/preferences/v1/PlannedDelivery.ts'
import colors from 'picocolors'
import type { CommandContext } from '../context.ts'
import { exitCodes, InputError } from '../failures.ts'
import { timeText } from '../output.ts'
import { subjectFrom } from '../person.ts'

/** What `erase` and `mark-child` are told. */
export interface EraseOptions {
  readonly person: string
  readonly kind?: string | undefined
  /** Show what would happen, and no more. */
  readonly plan: boolean
  readonly yes: boolean
  readonly reference?: string | undefined
  readonly requestId?: string | undefined
  readonly again: boolean
  readonly cause: 'request' | 'known-child'
}

/** Shows what erasing a person does, asks, and begins it. */
export async function erase(context: CommandContext, options: EraseOptions): Promise<number> {
  const { output } = context
  const { preferences } = context.clients()
  const subject = subjectFrom(options.person, options.kind)
  if (!options.plan && options.reference === undefined)
    throw new InputError('--reference: where you keep how you made sure who asks (letters, digits and . _ : -); --plan only shows')
  const plan = await preferences.planErasure({ subject })
  if (options.plan) output.document(plan)
  showPlan(context, plan)
  if (options.plan) return exitCodes.done
  if (!options.yes && !(await confirmed(context))) {
    output.line('nothing was changed')
    return exitCodes.failed
  }
  const status = await begin(context, subject, options)
  output.document(status)
  output.line(
    status?.subjectId === ''
      ? 'this person was erased before; --again erases once more, where recipients may have come by the identifier anew'
      : statusLine(status),
  )
  return exitCodes.done
}

async function begin(context: CommandContext, subject: SubjectRef, options: EraseOptions): Promise<ErasureStatus__Output | null> {
  const { preferences } = context.clients()
  const request = { requestId: options.requestId ?? `cli:${randomUUID()}`, subject, reference: options.reference ?? '' }
  switch (options.cause) {
    case 'request':
      return (await preferences.eraseSubject({ ...request, again: options.again })).status
    case 'known-child':
      return (await preferences.markKnownChild(request)).status
    default:
      return options.cause satisfies never
  }
}

async function confirmed(context: CommandContext): Promise<boolean> {
  if (context.ask === undefined || context.output.json)
    throw new InputError('nobody is there to be asked: add --yes once you have seen --plan')
  return (await context.ask('this cannot be undone; type "erase" to go on: ')).trim() === 'erase'
}

function showPlan({ output }: CommandContext, plan: PlanErasureResponse__Output): void {
  const merged = plan.mergedSubjectIds.length === 0 ? '' : `, with ${plan.mergedSubjectIds.join(', ')}`
  output.line(
    plan.subjectId === '' ? 'nobody knows this identifier yet: recipients are told all the same' : `subject ${plan.subjectId}${merged}`,
  )
  const kinds = plan.identifiers.map(({ kind, count }) => `${count} × ${identifierKindWords.toDomain(kind) ?? '?'}`)
  output.line(`destroyed  ${kinds.join(', ') || 'nothing is left'}, by ${timeText(plan.latestAt)} at the latest`)
  if (plan.status !== null) output.line(statusLine(plan.status))
  section(output, 'first they are told to stop', plan.denials)
  section(output, 'then these are told to erase', plan.erasures)
  output.line(colors.bold('these do not erase'))
  output.table(
    ['recipient', 'what', 'why'],
    plan.notErased.map(({ recipientId, what, why }) => [recipientId, what, short(why)]),
  )
  output.line(colors.bold('this stays'))
  for (const { what, why } of plan.kept) output.line(`  ${what}: ${why}`)
}

const short = (text: string): string => (text.length > 90 ? `${text.slice(0, 89)}…` : text)

function section(output: CommandContext['output'], title: string, deliveries: readonly PlannedDelivery__Output[]): void {
  if (deliveries.length === 0) return
  output.line(colors.bold(title))
  output.table(
    ['recipient', 'by', 'identifiers', 'until'],
    deliveries.map(({ recipientId, fulfilledBy, identifiers, deadlineAt }) => [
      recipientId,
      fulfilledBy,
      identifiers.map(({ kind, form, count }) => `${count} × ${identifierKindWords.toDomain(kind) ?? '?'} as ${form}`).join(', ') || 'none',
      timeText(deadlineAt),
    ]),
  )
}

const stageText = (status: ErasureStatus__Output): string => status.stage.replace('ERASURE_STAGE_', '').toLowerCase().replaceAll('_', ' ')

function statusLine(status: ErasureStatus__Output | null): string {
  if (status === null) return 'nothing is known of it'
  const waits =
    status.waitingFor === '' ? '' : `, waits for ${status.waitingFor}${status.openDeliveries > 0 ? ` (${status.openDeliveries} open)` : ''}`
  return `erasure of ${status.subjectId}: ${stageText(status)}${waits}; asked for ${timeText(status.requestedAt)}, ends by ${timeText(status.latestAt)}`
}

/** Erasures that are not completed, oldest first; or the one of a subject, completed or not. */
export async function listErasures(context: CommandContext, subjectId: string): Promise<number> {
  const { preferences } = context.clients()
  for (let pageToken = ''; ; ) {
    const page = await preferences.listErasures({ subjectId, pageSize: 500, pageToken })
    context.output.document(page.erasures)
    for (const status of page.erasures) context.output.line(statusLine(status))
    if (page.erasures.length === 0 && pageToken === '') context.output.line('no erasure is open')
    if (page.nextPageToken === '') return exitCodes.done
    pageToken = page.nextPageToken
  }
}
