import { choiceWords, fromTimestamp, identifierKindWords } from '@heed/contracts'
import colors from 'picocolors'
import type { CommandContext } from '../context.ts'
import { exitCodes, InputError } from '../failures.ts'
import { durationText, timeText } from '../output.ts'
import { choicesFrom, identifierFrom, subjectFrom } from '../person.ts'
import { deliveryRow } from './status.ts'

const choiceText = (wire: Parameters<typeof choiceWords.toDomain>[0]): string => {
  const word = choiceWords.toDomain(wire) ?? 'unspecified'
  return word === 'denied' ? colors.red(word) : colors.green(word)
}

/** What a person has chosen, and what holds for everything else. */
export async function showPreferences(context: CommandContext, person: string, kind?: string): Promise<number> {
  const answer = await context.clients().preferences.getPreferences({ subject: subjectFrom(person, kind) })
  context.output.document(answer)
  const chosen = new Map(answer.chosen.map((held) => [held.purpose, held]))
  const kinds = answer.identifierKinds.map((wire) => identifierKindWords.toDomain(wire) ?? '?').join(', ')
  context.output.line(`subject ${answer.subjectId}, version ${answer.version}, known by ${kinds || 'nothing'}`)
  context.output.table(
    ['purpose', 'holds', 'chosen', 'since'],
    answer.effective.map(({ purpose, choice }) => {
      const held = chosen.get(purpose)
      return [purpose, choiceText(choice), held === undefined ? 'default' : `version ${held.version}`, timeText(held?.at ?? null)]
    }),
  )
  return exitCodes.done
}

/** May this recipient or purpose use this person? Exit code 0 for yes, 1 for no. */
export async function check(
  context: CommandContext,
  person: string,
  question: { recipient?: string | undefined; purpose?: string | undefined; kind?: string | undefined },
): Promise<number> {
  if (question.recipient === undefined && question.purpose === undefined) throw new InputError('name --recipient, --purpose or both')
  const answer = await context.clients().preferences.checkPermission({
    subject: subjectFrom(person, question.kind),
    recipientId: question.recipient ?? '',
    purpose: question.purpose ?? '',
  })
  context.output.document(answer)
  const reason = answer.reason.replace('PERMISSION_REASON_', '').toLowerCase().replaceAll('_', ' ')
  const denied = answer.deniedPurposes.length === 0 ? '' : `: ${answer.deniedPurposes.join(', ')}`
  context.output.line(`${answer.allowed ? colors.green('yes') : colors.red('no')}, ${reason}${denied}`)
  return answer.allowed ? exitCodes.done : exitCodes.failed
}

/** Who would be told, and with what, if this person refused. Changes nothing. */
export async function plan(context: CommandContext, person: string, purposes: readonly string[], kind?: string): Promise<number> {
  const answer = await context.clients().preferences.planChange({
    subject: subjectFrom(person, kind),
    choices: choicesFrom(purposes, 'denied'),
    origin: 'ORIGIN_KIND_PERSON',
  })
  context.output.document(answer)
  if (!answer.wouldChange) context.output.line('nothing would change')
  context.output.table(
    ['recipient', 'clause', 'by', 'identifiers', 'until'],
    answer.deliveries.map(({ recipientId, clause, fulfilledBy, identifiers, deadlineAt }) => [
      recipientId,
      clause,
      fulfilledBy,
      identifiers.map(({ kind: wire, form, count }) => `${count} × ${identifierKindWords.toDomain(wire) ?? '?'} as ${form}`).join(', ') ||
        'none',
      timeText(deadlineAt),
    ]),
  )
  return exitCodes.done
}

/** All that happened about a subject, oldest first. */
export async function timeline(context: CommandContext, subjectId: string): Promise<number> {
  const { audit } = context.clients()
  for (let pageToken = ''; ; ) {
    const page = await audit.listSubjectTimeline({ subjectId, pageSize: 500, pageToken })
    context.output.document(page.entries)
    for (const entry of page.entries) {
      const about = [entry.recipientId, entry.version > 0 ? `version ${entry.version}` : ''].filter((text) => text !== '').join(', ')
      context.output.line(
        `${timeText(entry.at)}  ${String(entry.sequence).padStart(6)}  ${entry.kind.padEnd(22)} ${about}  ${colors.dim(entry.factsJson)}`,
      )
    }
    if (page.nextPageToken === '') return exitCodes.done
    pageToken = page.nextPageToken
  }
}

/** Totals, ages and reasons for each recipient. */
export async function recipients(context: CommandContext, now: number): Promise<number> {
  const { recipients: rows } = await context.clients().audit.listRecipientStatus({})
  context.output.document(rows)
  context.output.table(
    ['recipient', 'owed', 'oldest', 'late', 'accepted', 'confirmed', 'verified', 'superseded', 'n/a', 'waits for'],
    rows.map((row) => {
      const oldest = fromTimestamp(row.oldestOpenAt)
      const waiting = row.waiting.map(({ reason, count }) => `${count} ${reason}`).join(', ')
      return [
        row.recipientId,
        String(row.open),
        oldest === undefined ? '–' : durationText(Math.max(0, now - oldest)),
        row.late > 0 ? colors.red(String(row.late)) : '0',
        String(row.accepted),
        colors.green(String(row.confirmed)),
        colors.green(String(row.verified)),
        String(row.superseded),
        String(row.notApplicable),
        row.paused ? colors.yellow(`paused${waiting === '' ? '' : `, ${waiting}`}`) : waiting,
      ]
    }),
  )
  return exitCodes.done
}

/** What is owed, oldest first. */
export async function open(
  context: CommandContext,
  filter: { recipient?: string | undefined; reason?: string | undefined; owner?: string | undefined; limit: number },
): Promise<number> {
  const { audit } = context.clients()
  let left = filter.limit
  let pageToken = ''
  const rows: string[][] = []
  do {
    const page = await audit.listOpenDeliveries({
      recipientId: filter.recipient ?? '',
      waitReason: filter.reason ?? '',
      ownerRole: filter.owner ?? '',
      pageSize: Math.min(left, 500),
      pageToken,
    })
    context.output.document(page.deliveries)
    rows.push(...page.deliveries.map((delivery) => [delivery.deliveryId, ...deliveryRow(delivery).slice(1), delivery.ownerRole || '–']))
    left -= page.deliveries.length
    pageToken = page.deliveries.length === 0 ? '' : page.nextPageToken
  } while (pageToken !== '' && left > 0)
  context.output.table(['delivery', 'state', 'why', 'attempts', 'last attempt', 'next try', 'deadline', 'owner'], rows)
  context.output.line(rows.length === 0 ? 'nothing is owed' : `${rows.length} shown`)
  return exitCodes.done
}

/** Adds identifiers to a person. */
export async function link(
  context: CommandContext,
  person: string,
  others: readonly string[],
  requestId: string,
  kind?: string,
): Promise<number> {
  const answer = await context.clients().preferences.linkIdentifiers({
    requestId,
    subject: subjectFrom(person),
    identifiers: others.map((text) => identifierFrom(text, kind)),
    origin: 'ORIGIN_KIND_OPERATOR',
  })
  context.output.document(answer)
  const merged = answer.mergedSubjectIds.length === 0 ? '' : `, ${answer.mergedSubjectIds.length} other subject(s) carried over`
  context.output.line(`${answer.added} added to ${answer.subjectId}${merged}${answer.changeId === '' ? '' : `; change ${answer.changeId}`}`)
  return exitCodes.done
}

/** An unsubscribe link with its header values, ready to paste into a mail. */
export async function unsubscribeLink(context: CommandContext, person: string, purpose: string, kind?: string): Promise<number> {
  const { links } = await context.clients().preferences.createUnsubscribeLinks({ purpose, subjects: [subjectFrom(person, kind)] })
  context.output.document(links)
  for (const { url, listUnsubscribe, listUnsubscribePost } of links) {
    context.output.line(`${url}\n\nList-Unsubscribe: ${listUnsubscribe}\nList-Unsubscribe-Post: ${listUnsubscribePost}`)
  }
  return exitCodes.done
}
