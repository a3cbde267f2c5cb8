import { fromTimestamp } from '@heed/contracts'
import type { Timestamp__Output } from '@heed/contracts/gen/google/protobuf/Timestamp.ts'
import Table from 'cli-table3'
import colors from 'picocolors'

/** Where a command writes: text for people, or one JSON document (one per line for streams) for programs. */
export interface Output {
  readonly json: boolean
  /** A line for people; nothing in JSON. */
  line(text: string): void
  /** A table for people; nothing in JSON. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void
  /** The answer for programs; nothing otherwise. */
  document(value: unknown): void
}

/** An output on a stream. */
export function outputTo(write: (text: string) => void, json: boolean): Output {
  return {
    json,
    line: (text) => {
      if (!json) write(`${text}\n`)
    },
    table: (head, rows) => {
      if (json) return
      const table = new Table({ head: [...head], style: { head: ['bold'], border: ['gray'], compact: true } })
      for (const row of rows) table.push([...row])
      write(`${table.toString()}\n`)
    },
    document: (value) => {
      if (json) write(`${JSON.stringify(value, (_key, inner: unknown) => (isTimestamp(inner) ? timeText(inner) : inner))}\n`)
    },
  }
}

/** `2026-11-23T10:02:11.250Z`, or a dash where there is none. */
export function timeText(timestamp: Timestamp__Output | null): string {
  const ms = fromTimestamp(timestamp)
  return ms === undefined ? '–' : new Date(ms).toISOString()
}

/** `3 s`, `12 min`, `5 h`, `9 d`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} d`
}

/** A state in its colour: green only for what the vendor itself has said. */
export function stateText(state: string): string {
  const word = state.replace(/^DELIVERY_STATE_/, '').toLowerCase()
  switch (word) {
    case 'confirmed':
    case 'verified':
      return colors.green(word)
    case 'accepted':
      return colors.cyan(word)
    case 'needs_person':
      return colors.red(word)
    case 'pending':
      return colors.yellow(word)
    default:
      return colors.dim(word)
  }
}

function isTimestamp(value: unknown): value is Timestamp__Output {
  return typeof value === 'object' && value !== null && 'seconds' in value && 'nanos' in value && Object.keys(value).length === 2
}
