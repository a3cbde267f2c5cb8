import { randomUUID } from 'node:crypto'
import { identifierKindWords } from '@heed/contracts'
import { parseSubjectId } from '@heed/domain'
import colors from 'picocolors'
import type { CommandContext } from '../context.ts'
import { exitCodes, InputError } from '../failures.ts'
import { timeText } from '../output.ts'
import { subjectFrom } from '../person.ts'

/** What `disclosures` is told. */
export interface DisclosureOptions {
  readonly person: string
  readonly kind?: string | undefined
  /** Only hand-overs of this calendar year; all where 0. */
  readonly year: number
  /** Given out, and counted; a preview where absent. */
  readonly reference?: string | undefined
  readonly requestId?: string | undefined
}

/** Who was handed which kinds of identifier of a person, by which clause, and when. With a reference it is given out, and counted. */
export async function disclosures(context: CommandContext, options: DisclosureOptions): Promise<number> {
  const { person, kind, year, reference } = options
  if (!Number.isInteger(year)) throw new InputError('--year: a calendar year such as 2025')
  const { preferences, audit } = context.clients()
  const { output } = context
  const subject = subjectFrom(person, kind)
  const subjectId = parseSubjectId(person) ?? (await preferences.getPreferences({ subject })).subjectId
  const preview = reference === undefined
  const report = await audit.disclosureReport({
    subjectId,
    year,
    preview,
    ...(preview ? {} : { requestId: options.requestId ?? `cli:${randomUUID()}`, reference }),
  })
  output.document(report)
  const merged = report.mergedSubjectIds.length === 0 ? '' : `, with ${report.mergedSubjectIds.join(', ')}`
  output.line(`subject ${report.subjectId}${merged}${year === 0 ? '' : `, hand-overs of ${year}`}`)
  output.table(
    ['§', 'recipient', 'kinds', 'times', 'first', 'last'],
    report.recipients.map((one) => [
      one.clause,
      one.title === '' ? `${one.recipientId} (no longer in the policy)` : one.title,
      one.kinds.map(({ kind: wire, form }) => `${identifierKindWords.toDomain(wire) ?? '?'} as ${form}`).join(', '),
      String(one.times),
      timeText(one.firstAt),
      timeText(one.lastAt),
    ]),
  )
  if (report.recipients.length === 0) output.line('nothing was handed to anybody')
  const before = report.firstGivenAt === null ? '' : `; the first one of ${report.countedYear} was given ${timeText(report.firstGivenAt)}`
  output.line(
    preview
      ? `a preview: it would be report ${report.ordinal} of ${report.countedYear}${before}. --reference gives it out and counts it`
      : `given out: report ${report.ordinal} of ${report.countedYear}${before}`,
  )
  if (report.ordinal > 1) output.line(colors.yellow('one request a year has to be answered: this year has had its report'))
  return exitCodes.done
}
