import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { choiceWords } from '@heed/contracts'
import type { SetPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesRequest.ts'
import { identifierKinds } from '@heed/domain'
import { SingleBar } from 'cli-progress'
import { parse } from 'csv-parse'
import { z } from 'zod'
import type { CommandContext } from '../context.ts'
import { exitCodes, InputError } from '../failures.ts'
import { identifierFrom } from '../person.ts'

/** What an import is told. */
export interface ImportOptions {
  readonly file: string
  /** For rows that have no column `purpose`. */
  readonly purpose: string
  readonly restart: boolean
}

interface Row {
  /** 1 for the first row after the header. */
  readonly number: number
  readonly item: SetPreferencesRequest | { readonly refusedAs: string }
}

const progressShape = z.object({ sha256: z.string(), done: z.number().int().nonnegative(), refused: z.number().int().nonnegative() })
type Progress = z.output<typeof progressShape>

const saveEvery = 1_000

/**
 * Records the denials of a CSV file: a column for each kind of identifier (`email`, `phone`, `user-id` …), optionally `purpose` and `choice`. It goes on where an
 * interrupted import was; a row that was sent twice counts once. Refused rows go to `<file>.refused.csv`, by number and reason only.
 */
export async function importCsv(context: CommandContext, options: ImportOptions): Promise<number> {
  const { file } = options
  const { output } = context
  const { sha256, rows: total } = await fingerprint(file)
  // the header is judged before anything is sent
  const header = readRows(file, options.purpose, sha256, 0)
  await header.next()
  await header.return(undefined)
  const progressFile = `${file}.progress.json`
  const before = options.restart ? undefined : await readProgress(progressFile, sha256)
  if (before !== undefined) output.line(`going on after row ${before.done}`)
  const progress: Progress = before ?? { sha256, done: 0, refused: 0 }
  const report = createWriteStream(`${file}.refused.csv`, { flags: before === undefined ? 'w' : 'a', mode: 0o600 })
  if (before === undefined) report.write('row,reason\n')
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {value} of {total} rows | {refused} refused | {eta_formatted} left',
    stream: process.stderr,
    hideCursor: true,
  })
  const shown = !output.json && process.stderr.isTTY
  if (shown) bar.start(total, progress.done, { refused: progress.refused })
  try {
    await send(context, readRows(file, options.purpose, sha256, progress.done), async (number, refusedAs) => {
      progress.done = number
      if (refusedAs !== undefined) {
        progress.refused += 1
        await written(report, `${number},${JSON.stringify(refusedAs)}\n`)
      }
      if (shown && number % 100 === 0) bar.update(number, { refused: progress.refused })
      if (number % saveEvery === 0) await saveProgress(progressFile, progress)
    })
    await rm(progressFile, { force: true })
  } catch (thrown) {
    await saveProgress(progressFile, progress)
    throw thrown
  } finally {
    if (shown) {
      bar.update(progress.done, { refused: progress.refused })
      bar.stop()
    }
    await new Promise((resolve) => report.end(resolve))
  }
  output.document({ rows: progress.done, refused: progress.refused })
  output.line(`${progress.done} rows, ${progress.refused} refused${progress.refused === 0 ? '' : ` (see ${file}.refused.csv)`}`)
  return progress.refused === 0 ? exitCodes.done : exitCodes.failed
}

/** Sends rows over one stream; `answered` is called for each row, in order. */
async function send(
  context: CommandContext,
  rows: AsyncIterable<Row>,
  answered: (number: number, refusedAs: string | undefined) => Promise<void>,
): Promise<void> {
  // rows that are refused here never travel; they are reported at their place among the answers
  const waiting: { number: number; refusedAs: string | undefined }[] = []
  async function* requests() {
    for await (const { number, item } of rows) {
      const refusedAs = 'refusedAs' in item ? item.refusedAs : undefined
      waiting.push({ number, refusedAs })
      if (!('refusedAs' in item)) yield { item }
    }
  }
  const report = async (upTo: 'next-sent' | 'all', refused?: string) => {
    for (let row = waiting[0]; row !== undefined; row = waiting[0]) {
      if (row.refusedAs === undefined && upTo === 'all') throw new Error('a row was not answered')
      waiting.shift()
      await answered(row.number, row.refusedAs ?? refused)
      if (row.refusedAs === undefined) return
    }
  }
  for await (const { refused } of context.clients().preferences.streamPreferences(requests())) {
    const reason =
      refused === null || refused === undefined
        ? undefined
        : refused.violations.map(({ field, description }) => `${field}: ${description}`).join('; ') || refused.message
    await report('next-sent', reason)
  }
  await report('all')
}

async function* readRows(file: string, purpose: string, sha256: string, after: number): AsyncGenerator<Row> {
  const parser = createReadStream(file).pipe(
    parse({ columns: true, trim: true, bom: true, skip_empty_lines: true, relax_column_count: true }),
  )
  let number = 0
  for await (const record of parser as AsyncIterable<Record<string, string>>) {
    number += 1
    if (number === 1) checkColumns(Object.keys(record))
    if (number > after) yield { number, item: itemOf(record, purpose, `import:${sha256.slice(0, 16)}:${number}`) }
  }
}

function checkColumns(columns: readonly string[]): void {
  const known = [...identifierKinds, 'purpose', 'choice']
  const unknown = columns.filter((column) => !known.some((name) => name === column))
  if (unknown.length > 0) throw new InputError(`the header has unknown columns; known ones are ${known.join(', ')}`)
  if (!columns.some((column) => identifierKinds.some((kind) => kind === column)))
    throw new InputError(`the header needs at least one of ${identifierKinds.join(', ')}`)
}

function itemOf(record: Readonly<Record<string, string>>, purpose: string, requestId: string): Row['item'] {
  const present = identifierKinds.filter((kind) => (record[kind] ?? '') !== '')
  const [kind] = present
  if (kind === undefined || present.length > 1) return { refusedAs: 'needs exactly one identifier' }
  const choice = record.choice === undefined || record.choice === '' ? 'denied' : record.choice
  if (choice !== 'denied' && choice !== 'granted') return { refusedAs: 'choice: denied or granted' }
  try {
    return {
      requestId,
      subject: { identifier: identifierFrom(record[kind] ?? '', kind) },
      choices: [{ purpose: record.purpose || purpose, choice: choiceWords.toWire(choice) }],
      origin: 'ORIGIN_KIND_IMPORT',
    }
  } catch (thrown) {
    if (thrown instanceof InputError) return { refusedAs: thrown.message }
    throw thrown
  }
}

async function fingerprint(file: string): Promise<{ sha256: string; rows: number }> {
  const hash = createHash('sha256')
  let lines = 0
  try {
    await pipeline(createReadStream(file), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        hash.update(chunk)
        for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1)) lines += 1
      }
    })
  } catch (thrown) {
    throw new InputError(`the file cannot be read (${(thrown as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
  return { sha256: hash.digest('hex'), rows: Math.max(1, lines - 1) }
}

async function readProgress(file: string, sha256: string): Promise<Progress | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const progress = progressShape.safeParse(JSON.parse(text)).data
  // another content under the same name is another import
  return progress?.sha256 === sha256 ? progress : undefined
}

async function saveProgress(file: string, progress: Progress): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(progress), { mode: 0o600, flush: true })
  await rename(`${file}.new`, file)
}

function written(stream: WriteStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => stream.write(text, (error) => (error == null ? resolve() : reject(error))))
}
