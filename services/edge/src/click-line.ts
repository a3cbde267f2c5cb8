import { hash } from 'node:crypto'
import type { Click } from './click.ts'

const checksumLength = 8

/** The line of the spool that holds a click, with its end of line: a checksum, a blank, and JSON. */
export function lineOf(click: Click): string {
  const json = JSON.stringify(click)
  return `${checksum(json)} ${json}\n`
}

/** The click of a line without its end, or undefined for a line that is not whole. */
export function clickOf(line: string): Click | undefined {
  const json = line.slice(checksumLength + 1)
  return line.slice(0, checksumLength) === checksum(json) ? (JSON.parse(json) as Click) : undefined
}

function checksum(json: string): string {
  return hash('sha256', json).slice(0, checksumLength)
}
