import { open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { toTimestamp } from '@heed/contracts'
import type { ExportEvidenceRequest } from '@heed/contracts/gen/heed/audit/v1/ExportEvidenceRequest.ts'
import { parseChangeId, parseDeliveryId, parseSubjectId } from '@heed/domain'
import { MerkleLogError, parseCheckpoint, parseNote } from '@heed/merkle-log'
import { GrpcFault } from '@heed/platform/grpc'
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

/**
 * Writes the evidence of a period, a file for each day (UTC), several for a day of which one file cannot hold all, none for a day on which nothing happened. Files that are there already are
 * left: run again, it goes on where it was interrupted.
 */
export async function exportPeriod(context: CommandContext, from: number, to: number, folder: string): Promise<number> {
  if (!(from < to)) throw new InputError('--from must be before --to')
  const files: string[] = []
  for (let at = from; at < to; ) {
    const next = Math.min(to, (Math.floor(at / dayMs) + 1) * dayMs)
    files.push(...(await exportSpan(context, at, next, folder)))
    at = next
  }
  context.output.document({ files })
  return exitCodes.done
}

/** The files of a span of time, in the order of time. */
async function exportSpan(context: CommandContext, from: number, to: number, folder: string): Promise<string[]> {
  const name = `${stamp(from)}--${stamp(to)}.heed.zip`
  const file = join(folder, name)
  if (await exists(file)) {
    context.output.line(`${file}: is there already`)
    return [file]
  }
  try {
    const bytes = await save(context, { from: toTimestamp(from), to: toTimestamp(to) }, file)
    context.output.line(`${file}: ${bytes} bytes`)
    return [file]
  } catch (thrown) {
    if (!(thrown instanceof GrpcFault)) throw thrown
    if (thrown.reason === 'EVIDENCE_UNKNOWN') {
      context.output.line(`${name}: nothing happened`)
      return []
    }
    // names have whole seconds
    const middle = Math.floor((from + to) / 2_000) * 1_000
    if (thrown.reason !== 'EVIDENCE_TOO_LARGE' || middle <= from) throw thrown
    return [...(await exportSpan(context, from, middle, folder)), ...(await exportSpan(context, middle, to, folder))]
  }
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
