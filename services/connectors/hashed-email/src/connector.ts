import {
  type Connector,
  type FileRequest,
  fileTransport,
  folderStore,
  type Interpretation,
  type Job,
  type NothingToSend,
  type PlannedRequest,
  sftpStore,
} from '@heed/connector-kit'
import type { DeliveryId, Outcome } from '@heed/domain'
import { z } from 'zod'
import { type HashedEmailSettings, parseSettings } from './settings.ts'
import { rowsOf, shareFile } from './share-file.ts'

/** What is kept of a file: what an ack has to match, and which row is about which delivery (its place among those covered); not for a full file, which may be long. */
const fileNote = z.object({ sha256: z.string(), rows: z.array(z.number().int().nonnegative()).optional() })

const ackShape = z.object({
  file: z.string(),
  sha256: z.string(),
  status: z.enum(['accepted', 'rejected', 'partial']),
  errors: z.array(z.object({ row: z.number().int().positive().optional(), code: z.string() })).default([]),
})

/**
 * Partners that take hashed addresses in files: a delta for each window, a full file first and now and then, each with a manifest that is written last, and an
 * ack file by which the partner answers late. What the partner acknowledged is confirmed.
 */
export const hashedEmail: Connector<HashedEmailSettings> = {
  descriptor: (settings) => ({
    name: 'hashed-email',
    docs: 'https://github.com/mscdex/ssh2',
    identifiers: ['email'],
    batch: {
      maxTasks: settings.maxRows,
      collectSeconds: settings.collectSeconds,
      sequenced: true,
      heartbeatSeconds: settings.heartbeatHours * 3600,
      fullEverySeconds: settings.fullEveryDays * 86_400,
    },
    rate: { concurrentRequests: 1 },
    confirmation: 'by-job',
    timeoutMs: 120_000,
    quietAfterUnknownSeconds: 0,
    jobs: { maxPollSeconds: 900, giveUpAfterSeconds: settings.ackWithinHours * 3600, newerMayOvertake: true },
  }),
  parseSettings,
  account: (settings) =>
    settings.transport === 'sftp' ? `sftp:${settings.username}@${settings.host}:${settings.port}` : `folder:${settings.path}`,
  connect: (settings, { credentials }) =>
    fileTransport(
      settings.transport === 'sftp'
        ? sftpStore({
            host: settings.host,
            port: settings.port,
            username: settings.username,
            privateKey: settings.credential,
            hostKeys: settings.hostKeys,
            credentials,
          })
        : folderStore(settings.path),
    ),

  plan(tasks, settings, batch) {
    const planned: (PlannedRequest | NothingToSend)[] = []
    const told = tasks.filter((task) => rowsOf(task, settings.hashProfile, batch.extent).length > 0)
    const untold = tasks.filter((task) => !told.includes(task))
    for (const { deliveryId, identifiers } of untold) {
      const reason = identifiers.some(({ form }) => form === settings.hashProfile)
        ? 'not-applicable.nothing-held-there'
        : 'not-applicable.no-identifier'
      planned.push({ via: 'nothing', covers: [deliveryId], outcome: { kind: 'notApplicable', reason } })
    }
    // all of a delta's tasks may have nothing to say: then no file goes, unless it is a heartbeat or a full one, which says so by its emptiness
    if (told.length === 0 && tasks.length > 0 && batch.extent === 'delta') return planned
    const file = shareFile(told, settings, batch)
    const covers = told.map(({ deliveryId }) => deliveryId)
    const place = new Map(covers.map((deliveryId, index) => [deliveryId, index]))
    const put: FileRequest = {
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
        ...(batch.extent === 'delta' ? { rows: file.rows.map(({ deliveryId }) => place.get(deliveryId) ?? 0) } : {}),
      },
    }
    return [...planned, put]
  },

  interpret(request, answer, settings) {
    if (request.via !== 'file' || answer.via !== 'file') return { outcomes: [] }
    if (request.intent === 'assert') return { outcomes: [], job: jobOf(request, settings) }
    const [path = ''] = request.get ?? []
    const content = answer.files[path]
    return content === undefined ? { outcomes: [], job: jobOf(request, settings) } : interpretAck(request, content, settings)
  },

  follow(job, covers, settings) {
    return { via: 'file', intent: 'follow', name: 'ack.read', covers, get: [`${settings.ackDirectory}/${job.id}.ack.json`], note: job.note }
  },
}

function jobOf(request: FileRequest, settings: HashedEmailSettings): Job {
  return {
    id: (request.note as { file?: string } | undefined)?.file ?? 'unknown',
    pollAfterSeconds: settings.ackPollSeconds,
    note: request.note,
  }
}

function interpretAck(request: FileRequest, content: Uint8Array, settings: HashedEmailSettings): Interpretation {
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
