import { durationText } from '@heed/cli'
import Table from 'cli-table3'
import type { RecipientRow, Tone } from './recipient-rows.ts'

/** How text is coloured; the identity where there is no colour. */
export interface Ink {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly of: Readonly<Record<Tone, (text: string) => string>>
}

const none = (text: string) => text
/** No colour at all. */
export const plainInk: Ink = {
  bold: none,
  dim: none,
  of: { waiting: none, 'under-way': none, taken: none, done: none, person: none, 'not-owed': none, nobody: none },
}

const heads = ['recipient', 'what is done there', 'state', 'after', 'why'] as const
const gap = 2
/** State, time: as wide as what can stand in them. The others share what is left. */
const [stateWidth, afterWidth] = [13 + gap, 7 + gap]
const least = 60

/** The widths of the columns, gaps included, in a terminal that is so wide. */
function widthsIn(columns: number): number[] {
  const left = Math.max(least, columns) - stateWidth - afterWidth - 1
  const act = Math.min(19 + gap, Math.floor(left * 0.3))
  const title = Math.floor((left - act) * 0.6)
  return [title, act, stateWidth, afterWidth, left - act - title]
}

/** `812 ms`, and while it is not over whole seconds with an ellipsis. */
export function afterText({ afterMs, ended }: Pick<RecipientRow, 'afterMs' | 'ended'>): string {
  if (afterMs === undefined) return ''
  if (ended) return durationText(afterMs)
  return afterMs < 1_000 ? '…' : `${durationText(Math.floor(afterMs / 1_000) * 1_000)}…`
}

/** What stands under the table: how many are where. */
export function tallyText(rows: readonly RecipientRow[]): string {
  const count = (...tones: Tone[]) => rows.filter(({ tone }) => tones.includes(tone)).length
  const parts = [
    [count('done'), 'confirmed by the recipient'],
    [count('taken'), 'taken by one that says no more'],
    [count('waiting', 'under-way'), 'open'],
    [count('person'), 'with a person'],
    [count('not-owed'), 'not owed'],
    [count('nobody'), 'nobody has to be told'],
  ] as const
  return parts.flatMap(([number, text]) => (number === 0 ? [] : [`${number} ${text}`])).join(' · ')
}

/** The table for a terminal of that many columns: no line is wider, and what does not fit ends in an ellipsis. */
export function recipientsTable(rows: readonly RecipientRow[], columns: number, ink: Ink = plainInk): string {
  const nothing = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
  }
  const table = new Table({
    colWidths: widthsIn(columns),
    truncate: '…',
    wordWrap: false,
    chars: { ...nothing, left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
    style: { 'padding-left': 0, 'padding-right': gap, head: [], border: [] },
  })
  table.push(heads.map((head) => ink.dim(head)))
  for (const row of rows) {
    const colour = ink.of[row.tone]
    table.push([ink.bold(row.title), row.act, colour(row.state), afterText(row), ink.dim(row.why.replaceAll(/\s+/g, ' '))])
  }
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n${ink.dim(fitted(tallyText(rows), Math.max(least, columns) - 1))}`
}

function fitted(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}
