import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { PolicyFileError, readPolicyFile } from '@heed/contracts'
import { connectorOf, type Policy } from '@heed/domain'
import { connectorKinds, erasingKinds } from './connector-kinds.ts'
import { type Coverage, checkCoverage } from './coverage.ts'
import { coverageMarkdown } from './coverage-table.ts'
import { readProse } from './prose.ts'

const here = dirname(fileURLToPath(import.meta.url))

/** The kinds whose connector stands in the workspace of that name. */
export function builtConnectors(root: string): string[] {
  const folder = join(root, 'services/connectors')
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, 'src/connector.ts')))
}

/** A policy file checked against its prose, and the table made of it. Throws what `readPolicyFile` throws, and `Error` where it names no prose. */
export async function checkPolicyFile(file: string, root: string): Promise<{ policy: Policy; coverage: Coverage; markdown: string }> {
  const policy = await readPolicyFile(file)
  if (policy.proseFile === undefined) throw new Error(`${file}: "proseFile" is missing: name the prose that the policy mirrors`)
  const prose = readProse(readFileSync(join(dirname(file), policy.proseFile), 'utf8'))
  const coverage = checkCoverage({ policy, prose, kinds: connectorKinds, erasing: erasingKinds, built: builtConnectors(root) })
  return { policy, coverage, markdown: coverageMarkdown(policy, coverage.sentences) }
}

/** What a run of the command came to: its exit code, what it says, and one line for each problem. */
export interface CheckRun {
  readonly exitCode: 0 | 1
  readonly output: readonly string[]
  readonly problems: readonly string[]
}

/** The command: checks the file, and the table beside it, which it writes anew where `write` is set. */
export async function runCheck(file: string, root: string, { write }: { readonly write: boolean }): Promise<CheckRun> {
  const tableFile = join(dirname(file), 'COVERAGE.md')
  let checked: Awaited<ReturnType<typeof checkPolicyFile>>
  try {
    checked = await checkPolicyFile(file, root)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    // a faulty file has a line for each fault; anything else (it cannot be read, say) is told in its own words
    const problems = error instanceof PolicyFileError ? error.message.split('\n') : [`the policy cannot be checked: ${error.message}`]
    return { exitCode: 1, output: [], problems }
  }
  const { policy, coverage, markdown } = checked
  const problems = [...coverage.problems]
  if (write) writeFileSync(tableFile, markdown)
  else if (!existsSync(tableFile) || readFileSync(tableFile, 'utf8') !== markdown) {
    problems.push('COVERAGE.md is not current: run npm run policy:check -- --write')
  }
  const planned = coverage.planned.map((kind) => {
    const waiting = policy.recipients.filter((recipient) => connectorOf(recipient) === kind)
    return `planned: connector ${kind} has no workspace yet; deliveries to ${waiting.map(({ id }) => id).join(', ')} wait`
  })
  const claimed = coverage.sentences.filter(({ by }) => by.length > 0).length
  const count = problems.length === 0 ? 'no problem' : `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`
  const summary = `${policy.id} ${policy.version}: ${policy.purposes.length} purposes, ${policy.recipients.length} recipients, ${claimed} sentences claimed, ${count}`
  return { exitCode: problems.length === 0 ? 0 : 1, output: [...planned, summary], problems }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { write: { type: 'boolean', default: false } }, allowPositionals: true })
  const file = resolve(positionals[0] ?? join(here, 'qualified3d.yaml'))
  const { exitCode, output, problems } = await runCheck(file, join(here, '../..'), values)
  for (const line of problems) process.stderr.write(`${line}\n`)
  for (const line of output) process.stdout.write(`${line}\n`)
  process.exitCode = exitCode
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main()
