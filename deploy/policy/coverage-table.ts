import type { DeadlineRule, Fulfilment, Grant, Policy, Recipient } from '@heed/domain'
import type { Claimant, ClaimedSentence } from './coverage.ts'
import { claimedSections } from './coverage.ts'
import { onOneLine } from './prose.ts'

/** One recipient as the table shows it: which words name it, what it serves, what it is handed, by when, and by whom. */
export interface RecipientRow {
  readonly clause: string
  readonly sentence: string
  readonly purposes: readonly string[]
  readonly recipient: string
  readonly title: string
  readonly role: string
  readonly identifiers: readonly string[]
  readonly deadline: string
  readonly erasure: string
  readonly toldBy: string
  readonly why: string
}

function grantText({ kind, form }: Grant): string {
  return `${kind} (${form})`
}

function deadlineText(rule: DeadlineRule, told: boolean): string {
  if (!told) return 'none'
  if ('hours' in rule) return `${rule.hours} ${rule.hours === 1 ? 'hour' : 'hours'}`
  return `${rule.businessDays} business ${rule.businessDays === 1 ? 'day' : 'days'}`
}

function toldByText(fulfilment: Fulfilment): string {
  switch (fulfilment.by) {
    case 'connector':
      return `connector ${fulfilment.connector}`
    case 'person':
      return `a person: ${fulfilment.ownerRole}`
    case 'nobody':
      return 'nobody'
    default:
      return fulfilment satisfies never
  }
}

function rowOf(recipient: Recipient): RecipientRow {
  const { clause, quote, purposes, id, title, role, grants, deadline, erasure, fulfilment, retired } = recipient
  return {
    clause,
    sentence: onOneLine(quote),
    purposes,
    recipient: id,
    title,
    role,
    identifiers: grants.map(grantText),
    deadline: deadlineText(deadline, fulfilment.by !== 'nobody'),
    erasure: erasure === undefined ? 'cannot' : deadlineText(erasure, true),
    toldBy: retired === undefined ? toldByText(fulfilment) : `${toldByText(fulfilment)}; retired since ${retired.since}`,
    why: fulfilment.by === 'nobody' ? fulfilment.reason : (deadline.why ?? ''),
  }
}

/** The table "policy sentence → purpose → recipient → identifiers → deadline → connector", a row for each recipient in the order of the policy. */
export function recipientRows(policy: Policy): RecipientRow[] {
  return policy.recipients.map(rowOf)
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function claimantText(claimant: Claimant): string {
  return claimant.kind === 'claim' ? `nobody is told: ${claimant.reason}` : `${claimant.kind} \`${claimant.id}\``
}

/** The whole of it for people, as Markdown. Depends on nothing but its arguments, so that a test can tell whether the file is current. */
export function coverageMarkdown(policy: Policy, sentences: readonly ClaimedSentence[]): string {
  const told = table(
    ['§', 'The policy says', 'Purposes', 'Recipient', 'Role', 'Identifiers (form)', 'Deadline', 'To erase', 'Told by', 'Why so'],
    recipientRows(policy).map((row) => [
      row.clause,
      row.sentence,
      row.purposes.join(', ') || 'none',
      `**${row.recipient}** ${row.title}`,
      row.role,
      row.identifiers.join(', ') || 'none',
      row.deadline,
      row.erasure,
      row.toldBy,
      row.why,
    ]),
  )
  const purposes = table(
    ['Purpose', 'Title', '§', 'Can be refused', 'Without a choice', 'Topics', 'Served by'],
    policy.purposes.map((purpose) => [
      `**${purpose.key}**`,
      purpose.title,
      purpose.clause,
      purpose.refusable ? 'yes' : 'no',
      purpose.default,
      purpose.topics.map(({ title }) => title).join(', ') || 'none',
      policy.recipients
        .filter((recipient) => recipient.purposes.includes(purpose.key))
        .map(({ id }) => id)
        .join(', ') || 'ourselves only',
    ]),
  )
  const every = table(
    ['§', 'Line', 'Sentence', 'Claimed by'],
    sentences
      .filter(({ clause }) => claimedSections.includes(clause))
      .map(({ clause, line, text, by }) => [clause, `${line}`, text, by.map(claimantText).join('; ') || '**nobody**']),
  )
  return `# What the policy says, and who is told

${policy.title} (\`${policy.id}\`, version ${policy.version}). Made of the policy file and the prose by \`npm run policy:check -- --write\`; do not edit.

## Recipients

${told}

## Purposes

${purposes}

## Every sentence of sections ${claimedSections.join(', ')}

${every}
`
}
