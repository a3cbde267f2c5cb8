import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { type FilePlace, locatePolicyFile, PolicyFileError } from '@heed/contracts'
import type { Policy } from '@heed/domain'
import { connectorKinds, erasingKinds } from './connector-kinds.ts'
import { type Coverage, type CoverageProblem, checkCoverage } from './coverage.ts'
import { coverageMarkdown } from './coverage-table.ts'
import { readProse } from './prose.ts'
import { type AnyConnector, usageProblems } from './usage.ts'

const here = dirname(fileURLToPath(import.meta.url))

/** The kinds whose connector stands in the workspace of that name. */
export function builtConnectors(root: string): string[] {
  const folder = join(root, 'services/connectors')
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, 'src/connector.ts')))
}

const isConnector = (value: unknown): value is AnyConnector =>
  typeof value === 'object' && value !== null && 'plan' in value && 'parseSettings' in value && 'descriptor' in value

/** The connectors themselves, by kind. Throws `Error` for a workspace whose `connector.ts` exports none, or several. */
export async function loadConnectors(root: string): Promise<Map<string, AnyConnector>> {
  const connectors = new Map<string, AnyConnector>()
  for (const kind of builtConnectors(root)) {
    const module: unknown = await import(pathToFileURL(join(root, 'services/connectors', kind, 'src/connector.ts')).href)
    const found = typeof module === 'object' && module !== null ? Object.values(module).filter(isConnector) : []
    const [connector] = found
    if (connector === undefined || found.length > 1)
      throw new Error(`services/connectors/${kind}: connector.ts exports ${found.length} connectors`)
    connectors.set(kind, connector)
  }
  return connectors
}

/** One problem as it is printed: `<file>:<line>:<column> <message>`. */
export type ProblemLine = string

/** A policy file checked against its prose and its connectors, and the table made of it. */
export interface CheckedPolicy {
  readonly policy: Policy
  readonly coverage: Coverage
  readonly problems: readonly ProblemLine[]
  readonly markdown: string
}

/** Checks a policy file. Throws what `readPolicyFile` throws, and `Error` where it names no prose. */
export async function checkPolicyFile(file: string, root: string): Promise<CheckedPolicy> {
  const { policy, placeOf } = await locatePolicyFile(file)
  const { proseFile } = policy
  if (proseFile === undefined) throw new Error(`${file}: "proseFile" is missing: name the prose that the policy mirrors`)
  const prose = readProse(readFileSync(join(dirname(file), proseFile), 'utf8'))
  const coverage = checkCoverage({ policy, prose, kinds: connectorKinds, erasing: erasingKinds, built: builtConnectors(root) })
  const usage = await usageProblems(policy, await loadConnectors(root))
  const lineOf = ({ place, message }: CoverageProblem): ProblemLine =>
    place.in === 'prose' ? printed(proseFile, place, message) : printed(basename(file), placeOf(place.path), message)
  return {
    policy,
    coverage,
    problems: [...coverage.problems, ...usage].map(lineOf),
    markdown: coverageMarkdown(policy, coverage.sentences),
  }
}

const printed = (file: string, { line, column }: FilePlace, message: string): ProblemLine => `${file}:${line}:${column} ${message}`

/** What a run of the command came to: its exit code, what it says, and one line for each problem. */
export interface CheckRun {
  readonly exitCode: 0 | 1
  readonly output: readonly string[]
  readonly problems: readonly ProblemLine[]
}

/** The first line in which two texts differ, from 1. */
function firstDifference(one: string, other: string): number {
  const [a, b] = [one.split('\n'), other.split('\n')]
  const index = a.findIndex((line, at) => line !== b[at])
  return (index < 0 ? a.length : index) + 1
}

/** The command: checks the file, and the table beside it, which it writes anew where `write` is set. */
export async function runCheck(file: string, root: string, { write }: { readonly write: boolean }): Promise<CheckRun> {
  const tableFile = join(dirname(file), 'COVERAGE.md')
  let checked: CheckedPolicy
  try {
    checked = await checkPolicyFile(file, root)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    // a faulty file has a line for each fault; anything else (it cannot be read, say) is told in its own words
    const problems = error instanceof PolicyFileError ? error.message.split('\n') : [`the policy cannot be checked: ${error.message}`]
    return { exitCode: 1, output: [], problems }
  }
  const { policy, coverage, markdown } = checked
  const problems = [...checked.problems]
  const written = existsSync(tableFile) ? readFileSync(tableFile, 'utf8') : ''
  if (write) writeFileSync(tableFile, markdown)
  else if (written !== markdown) {
    const place = { line: firstDifference(written, markdown), column: 1 }
    problems.push(printed('COVERAGE.md', place, 'is not current: run npm run policy:check -- --write'))
  }
  const claimed = coverage.sentences.filter(({ by }) => by.length > 0).length
  const count = problems.length === 0 ? 'no problem' : `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`
  const summary = `${policy.id} ${policy.version}: ${policy.purposes.length} purposes, ${policy.recipients.length} recipients, ${claimed} sentences claimed, ${count}`
  return { exitCode: problems.length === 0 ? 0 : 1, output: [summary], problems }
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
