import { open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { toTimestamp } from '@heed/contracts'
import type { ExportEvidenceRequest } from '@heed/contracts/gen/heed/audit/v1/ExportEvidenceRequest.ts'
import { parseChangeId, parseDeliveryId, parseSubjectId } from '@heed/domain'
import { MerkleLogError, parseCheckpoint, parseNote } from '@heed/merkle-log'
import { SingleBar } from 'cli-progress'
import type { CommandContext } from '../../context.ts'
import { exitCodes, InputError } from '../../failures.ts'

/** Writes the evidence bundle of a change, a delivery or a subject. The file is there whole, or not at all. */
export async function prove(context: CommandContext, id: string, out: string | undefined, against: readonly string[]): Promise<number> {
  const file = out ?? `${id.replaceAll('/', '_')}.heed.zip`
  const againstSizes = await Promise.all(against.map(sizeOf))
  const bytes = await save(context, { ...aboutOf(id), againstSizes }, file)
  context.output.document({ file, bytes })
  context.output.line(`${file}: ${bytes} bytes. Check it with \`heed trail verify ${file}\`, or hand it on with \`heed trail verifier\`.`)
  return exitCodes.done
}

/** Writes the evidence of a period, a file for each day (UTC). Files that are there already are left: run again, it goes on where it was interrupted. */
export async function exportPeriod(context: CommandContext, from: number, to: number, folder: string): Promise<number> {
  if (!(from < to)) throw new InputError('--from must be before --to')
  const days: { from: number; to: number }[] = []
  for (let at = from; at < to; ) {
    const next = Math.min(to, (Math.floor(at / dayMs) + 1) * dayMs)
    days.push({ from: at, to: next })
    at = next
  }
  const files: string[] = []
  for (const day of days) {
    const file = join(folder, `${stamp(day.from)}--${stamp(day.to)}.heed.zip`)
    if (await exists(file)) context.output.line(`${file}: is there already`)
    else {
      const bytes = await save(context, { from: toTimestamp(day.from), to: toTimestamp(day.to) }, file)
      context.output.line(`${file}: ${bytes} bytes`)
    }
    files.push(file)
  }
  context.output.document({ files })
  return exitCodes.done
}

const dayMs = 24 * 60 * 60 * 1_000
const stamp = (at: number) => new Date(at).toISOString().slice(0, 19).replaceAll(':', '')

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw thrown
  }
}

async function save(context: CommandContext, request: ExportEvidenceRequest, file: string): Promise<number> {
  const temporary = `${file}.part`
  const target = await open(temporary, 'w').catch((thrown: NodeJS.ErrnoException) => {
    throw new InputError(`${file} cannot be written: ${thrown.code ?? 'unknown reason'}`)
  })
  const bar =
    context.output.json || !process.stderr.isTTY
      ? undefined
      : new SingleBar({ format: 'evidence [{bar}] {percentage}%', stream: process.stderr })
  let bytes = 0
  try {
    bar?.start(100, 0)
    for await (const { chunk, progress } of context.clients().audit.exportEvidence(request)) {
      await target.write(chunk)
      bytes += chunk.length
      bar?.update(Math.floor(progress * 100))
    }
    await target.sync()
  } catch (thrown) {
    await target.close()
    await unlink(temporary)
    throw thrown
  } finally {
    bar?.stop()
  }
  await target.close()
  await rename(temporary, file)
  return bytes
}

function aboutOf(id: string): ExportEvidenceRequest {
  if (parseSubjectId(id) !== undefined) return { subjectId: id }
  if (parseChangeId(id) !== undefined) return { changeId: id }
  if (parseDeliveryId(id) !== undefined) return { deliveryId: id }
  throw new InputError('name a subject (s-…), a change (<subject>/<version>) or a delivery (<recipient>/<subject>/<version>)')
}

async function sizeOf(file: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    throw new InputError(`${file} cannot be read: ${thrown.code ?? 'unknown reason'}`)
  })
  try {
    return parseCheckpoint(parseNote(text).text).size
  } catch (thrown) {
    if (thrown instanceof MerkleLogError) throw new InputError(`${file} is no checkpoint: ${thrown.message}`)
    throw thrown
  }
}
