import { fromTimestamp, identifierKindWords } from '@heed/contracts'
import type { DeliveryStatus__Output } from '@heed/contracts/gen/heed/audit/v1/DeliveryStatus.ts'
import { parseDeliveryId } from '@heed/domain'
import type { CommandContext } from '../context.ts'
import { exitCodes, InputError } from '../failures.ts'
import { durationText, stateText, timeText } from '../output.ts'

/** What has to be done for one delivery, by whom and until when. */
export async function show(context: CommandContext, deliveryId: string, now: number): Promise<number> {
  const parts = parseDeliveryId(deliveryId)
  if (parts === undefined) throw new InputError('a delivery is written <recipient>/<subject id>/<version>')
  const { preferences, audit } = context.clients()
  const { recipients } = await preferences.getPolicy({})
  const recipient = recipients.find(({ id }) => id === parts.recipientId)
  if (recipient === undefined) throw new InputError(`the policy names no recipient ${parts.recipientId}`)
  if (recipient.fulfilledBy !== 'person') throw new InputError(`${parts.recipientId} is nobody's duty: a connector does it`)
  const { status } = await audit.getChangeStatus({ changeId: `${parts.subjectId}/${parts.version}` })
  const delivery = status?.deliveries.find((one) => one.deliveryId === deliveryId)
  if (delivery === undefined) throw new InputError('this change does not concern that recipient')
  const steps = stepsFor(delivery, recipient.steps)
  context.output.document({ delivery, ownerRole: recipient.ownerRole, steps, grants: recipient.grants })
  const { line } = context.output
  line(`${recipient.title}: ${stateText(delivery.state)}${delivery.lastReason === '' ? '' : `, ${delivery.lastReason}`}`)
  line(`a duty of ${recipient.ownerRole}, until ${timeText(delivery.deadlineAt)}${leftText(delivery, now)}`)
  line(`must hold  ${delivery.wanted.map(({ purpose, choice }) => `${purpose} ${choice.replace('CHOICE_', '').toLowerCase()}`).join(', ')}`)
  line(`by         ${recipient.grants.map(({ kind, form }) => `${identifierKindWords.toDomain(kind) ?? '?'} (${form})`).join(', ')}`)
  if (delivery.settled) {
    const who =
      delivery.resolvedBy === '' ? '' : ` by ${delivery.resolvedBy}, ${delivery.resolvedEvidence || 'no evidence'}: ${delivery.waitReason}`
    line(`nothing is left to do: it has ended${who}`)
  } else {
    for (const [index, step] of steps.entries()) line(`${index + 1}. ${step.replaceAll('<delivery>', deliveryId)}`)
  }
  return exitCodes.done
}

/** The identifiers of one duty. They are printed here and stored nowhere; that they were handed over is in the trail. */
export async function handOver(context: CommandContext, deliveryId: string, to: string): Promise<number> {
  const { subject } = await context.clients().identifiers.handOverIdentifiers({ deliveryId, handedTo: to })
  context.output.document(subject)
  const identifiers = subject?.identifiers ?? []
  context.output.table(
    ['kind', 'form', 'value'],
    identifiers.map(({ kind, form, value }) => [identifierKindWords.toDomain(kind) ?? '?', form, value]),
  )
  if (identifiers.length === 0) context.output.line('there is nothing that this recipient may be told of the person')
  const newest = subject?.newestVersion ?? 0
  const version = parseDeliveryId(deliveryId)?.version ?? newest
  if (newest > version) context.output.line(`the person has chosen anew since (version ${newest}): look for a newer duty before you act`)
  return exitCodes.done
}

interface Steps {
  readonly refused: readonly string[]
  readonly granted: readonly string[]
  readonly erased: readonly string[]
}

function stepsFor({ wanted, kind }: DeliveryStatus__Output, steps: Steps | null): readonly string[] {
  if (steps === null) return []
  if (kind === 'erasure') return steps.erased
  return wanted.some(({ choice }) => choice === 'CHOICE_DENIED') ? steps.refused : steps.granted
}

function leftText({ deadlineAt, settled }: DeliveryStatus__Output, now: number): string {
  const at = fromTimestamp(deadlineAt)
  if (at === undefined || settled) return ''
  return at > now ? `, ${durationText(at - now)} left` : `, late by ${durationText(now - at)}`
}
