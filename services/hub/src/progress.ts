import { durationText } from '@heed/cli'
import type { ChangeStatus__Output } from '@heed/contracts/gen/heed/audit/v1/ChangeStatus.ts'
import { createLogUpdate } from 'log-update'
import colors from 'picocolors'
import { type RecipientRow, recipientRows } from './recipient-rows.ts'
import { type Ink, recipientsTable, tallyText } from './recipients-table.ts'

/** How a change is shown while it travels. */
export interface Progress {
  /** What is known now. */
  report(status: ChangeStatus__Output): void
  /** Leaves on the screen what was known last. */
  end(): void
}

const ink: Ink = {
  bold: colors.bold,
  dim: colors.dim,
  of: {
    waiting: colors.yellow,
    'under-way': colors.yellow,
    taken: colors.cyan,
    done: colors.green,
    person: colors.magenta,
    'not-owed': colors.dim,
    nobody: colors.dim,
  },
}

/** On a terminal, a table of all recipients that fills in its place; anywhere else (a file, a container's log), one line for each change of a recipient. */
export function progressOf(stream: NodeJS.WriteStream, rowsOf: (status: ChangeStatus__Output, now: number) => RecipientRow[]): Progress {
  return stream.isTTY ? tableOn(stream, rowsOf) : linesOn(stream, rowsOf)
}

/** The rows of one change, of those purposes. */
export const rowsFor =
  (policy: Parameters<typeof recipientRows>[0], changed: readonly string[]) =>
  (status: ChangeStatus__Output, now: number): RecipientRow[] =>
    recipientRows(policy, status, changed, now)

const redrawMs = 250

function tableOn(stream: NodeJS.WriteStream, rowsOf: (status: ChangeStatus__Output, now: number) => RecipientRow[]): Progress {
  const draw = createLogUpdate(stream)
  let last: ChangeStatus__Output | undefined
  const text = (status: ChangeStatus__Output) => recipientsTable(rowsOf(status, Date.now()), stream.columns ?? 80, ink)
  const show = () => {
    if (last !== undefined) draw(text(last))
  }
  // the time that is waited so far goes on while nobody reports anything
  const timer = setInterval(show, redrawMs)
  return {
    report(status) {
      last = status
      show()
    },
    end() {
      clearInterval(timer)
      // whole, also where the terminal is lower than the table
      draw.clear()
      draw.done()
      if (last !== undefined) stream.write(`${text(last)}\n`)
    },
  }
}

function linesOn(stream: NodeJS.WriteStream, rowsOf: (status: ChangeStatus__Output, now: number) => RecipientRow[]): Progress {
  const said = new Map<string, string>()
  let rows: RecipientRow[] = []
  return {
    report(status) {
      rows = rowsOf(status, Date.now())
      for (const { recipientId, title, tone, state, why, afterMs, ended } of rows) {
        const words = `${ink.of[tone](state)}${why === '' ? '' : ink.dim(` ${why}`)}`
        if (said.get(recipientId) === words) continue
        said.set(recipientId, words)
        const after = afterMs === undefined || !ended ? '' : ink.dim(` ${durationText(afterMs)} after it was accepted`)
        stream.write(`    ${title.padEnd(58)} ${words}${after}\n`)
      }
    },
    end: () => void stream.write(`    ${tallyText(rows)}\n`),
  }
}
