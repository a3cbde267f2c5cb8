import type { DeliveryId, Outcome } from '@heed/domain'
import { z } from 'zod'
import type { Answer, BatchContext, FileRequest, Interpretation, Job, PlannedRequest } from '../contract.ts'
import type { FeedFile } from './feed-file.ts'
import type { FeedFileSettings } from './settings.ts'

type Folders = Pick<FeedFileSettings, 'directory' | 'ackDirectory' | 'ackPollSeconds'>

/** What is kept of a file: what an ack has to match, and which row is about which delivery (its place among those covered); not for a full file, which may be long. */
const fileNote = z.object({ file: z.string(), sha256: z.string(), rows: z.array(z.number().int().nonnegative()).optional() })

const ackShape = z.object({
  file: z.string(),
  sha256: z.string(),
  status: z.enum(['accepted', 'rejected', 'partial']),
  errors: z.array(z.object({ row: z.number().int().positive().optional(), code: z.string() })).default([]),
})

/**
 * The request that puts a file, and its manifest after it. `rows` names for each row the delivery that it is about, so that an ack can refuse it alone; every one
 * of them is among `covers`.
 */
export function putFile(
  file: FeedFile,
  settings: Folders,
  batch: BatchContext,
  { covers, rows }: { readonly covers: readonly DeliveryId[]; readonly rows: readonly DeliveryId[] },
): FileRequest {
  const place = new Map(covers.map((deliveryId, index) => [deliveryId, index]))
  return {
    via: 'file',
    intent: 'assert',
    name: batch.extent === 'full' ? 'file.full' : 'file.delta',
    covers,
    put: [
      { path: `${settings.directory}/${file.name}`, content: file.content },
      { path: `${settings.directory}/${file.name}.manifest.json`, content: file.manifest },
    ],
    note: {
      file: file.name,
      sha256: file.sha256,
      ...(batch.extent === 'delta' ? { rows: rows.map((deliveryId) => place.get(deliveryId) ?? 0) } : {}),
    },
  }
}

/** The request that looks for the partner's word about a file. */
export function readAck(job: Job, covers: readonly DeliveryId[], settings: Folders): FileRequest {
  return { via: 'file', intent: 'follow', name: 'ack.read', covers, get: [`${settings.ackDirectory}/${job.id}.ack.json`], note: job.note }
}

/**
 * What it means that a file is there, or what an ack says: stored = a job that goes on; `accepted` = confirmed; a row of a `partial` ack rejects that person alone;
 * a file that was refused rejects nobody.
 */
export function interpretFile(request: PlannedRequest, answer: Answer, settings: Folders): Interpretation {
  if (request.via !== 'file' || answer.via !== 'file') return { outcomes: [] }
  if (request.intent === 'assert') return { outcomes: [], job: jobOf(request, settings) }
  const [path = ''] = request.get ?? []
  const content = answer.files[path]
  return content === undefined ? { outcomes: [], job: jobOf(request, settings) } : interpretAck(request, content, settings)
}

function jobOf(request: FileRequest, settings: Folders): Job {
  return { id: fileNote.safeParse(request.note).data?.file ?? 'unknown', pollAfterSeconds: settings.ackPollSeconds, note: request.note }
}

function interpretAck(request: FileRequest, content: Uint8Array, settings: Folders): Interpretation {
  const note = fileNote.safeParse(request.note).data
  const ack = ackShape.safeParse(jsonOf(content)).data
  // half-written, or about other bytes of that name: the partner has not answered this file yet
  if (note === undefined || ack === undefined || ack.sha256 !== note.sha256) return { outcomes: [], job: jobOf(request, settings) }
  const all = (outcome: Outcome) => request.covers.map((deliveryId) => ({ deliveryId, outcome }))
  switch (ack.status) {
    case 'accepted':
      return { outcomes: all({ kind: 'confirmed' }) }
    case 'rejected':
      if (ack.errors.some(({ code }) => code.startsWith('sequence.')))
        return { outcomes: all({ kind: 'deferred', reason: 'unavailable.sequence-gap' }), needsFull: true }
      return { outcomes: all({ kind: 'deferred', reason: 'batch.file-rejected' }) }
    case 'partial': {
      // without the rows of a full file nobody knows whose row it was: halves of it will tell
      if (note.rows === undefined) return { outcomes: all({ kind: 'deferred', reason: 'batch.rows-rejected' }) }
      const rows = note.rows
      const refused = new Set<DeliveryId>()
      for (const { row } of ack.errors) {
        const deliveryId = row === undefined ? undefined : request.covers[rows[row - 1] ?? -1]
        if (deliveryId !== undefined) refused.add(deliveryId)
      }
      return {
        outcomes: request.covers.map((deliveryId) => ({
          deliveryId,
          outcome: refused.has(deliveryId) ? { kind: 'rejected', reason: 'item.refused-by-partner' } : { kind: 'confirmed' },
        })),
      }
    }
    default:
      return ack.status satisfies never
  }
}

function jsonOf(content: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(content).toString('utf8'))
  } catch {
    return undefined
  }
}
