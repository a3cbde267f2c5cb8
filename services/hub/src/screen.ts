import type { Policy } from '@heed/domain'
import colors from 'picocolors'
import { type Progress, progressOf, rowsFor } from './progress.ts'

/** What `npm start` says while it works. Plain lines, so that it reads the same in a terminal, a file and a container's log; but a change on its way is a table on a terminal. */
export interface Screen {
  title(text: string): void
  step(text: string): void
  line(text?: string): void
  problem(text: string): void
  /** Shows a change while it travels. */
  watch(policy: Policy, changed: readonly string[]): Progress
}

/** A screen on a stream. */
export function screenOn(stream: NodeJS.WriteStream): Screen {
  const write = (text: string) => stream.write(text)
  return {
    title: (text) => write(`\n${colors.bold(text)}\n`),
    step: (text) => write(`${colors.green('✓')} ${text}\n`),
    line: (text = '') => write(`${text}\n`),
    problem: (text) => write(`${colors.red('✗')} ${text}\n`),
    watch: (policy, changed) => progressOf(stream, rowsFor(policy, changed)),
  }
}
