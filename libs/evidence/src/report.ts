import { titleOf } from './page.ts'
import { timeWords } from './story.ts'
import type { BundleVerdict, Finding } from './verify.ts'

/** A verdict in plain words, a line each; the last line is the verdict itself. */
export function reportOf(verdict: BundleVerdict): string[] {
  const { bundle, checkpoint, story, findings, notices, signedBy, witnessedBy, ok } = verdict
  const lines = [titleOf(bundle.about)]
  for (const change of story.changes) {
    lines.push(`  ${timeWords(change.at)}  ${change.words}`)
    const width = Math.max(0, ...change.recipients.map(({ recipient }) => recipient.length))
    for (const { recipient, certainty, because, endedAt } of change.recipients)
      lines.push(
        `    ${recipient.padEnd(width)}  ${certainty}${endedAt === undefined ? '' : ` ${timeWords(endedAt)}`}${because === '' ? '' : `: ${because}`}`,
      )
  }
  for (const { recipient, certainty, because } of story.deliveries)
    lines.push(`    ${recipient}  ${certainty}${because === '' ? '' : `: ${because}`}`)
  lines.push('')
  if (checkpoint !== undefined && signedBy.length > 0) {
    lines.push(`signed by ${[...new Set(signedBy)].join(', ')}, over ${checkpoint.size} entries`)
    for (const { key, atSeconds } of witnessedBy)
      lines.push(`witnessed by ${key.name}${atSeconds === undefined ? '' : ` at ${timeWords(atSeconds * 1_000)}`}`)
  }
  for (const notice of notices) lines.push(`notice: ${notice}`)
  for (const finding of findings) lines.push(`wrong: ${findingText(finding)}`)
  lines.push(
    ok
      ? `OK: ${bundle.entries.length} entries are in the log as they stand here, and nothing of this file was changed.`
      : `NOT PROVED: ${findings.length === 1 ? 'one check' : `${findings.length} checks`} did not hold.`,
  )
  return lines
}

/** A finding as a line: which check, at which entry, and why. */
export function findingText({ reason, sequence, detail }: Finding): string {
  return `[${reason}]${sequence === undefined ? '' : ` entry ${sequence}:`} ${detail}`
}
