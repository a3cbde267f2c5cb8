import { fromTimestamp, toTimestamp } from '@heed/contracts'
import type { Checkpoint } from '@heed/contracts/gen/heed/audit/v1/Checkpoint.ts'
import type { GetCheckpointRequest__Output } from '@heed/contracts/gen/heed/audit/v1/GetCheckpointRequest.ts'
import type { GetCheckpointResponse } from '@heed/contracts/gen/heed/audit/v1/GetCheckpointResponse.ts'
import type { ListEntriesRequest__Output } from '@heed/contracts/gen/heed/audit/v1/ListEntriesRequest.ts'
import type { ListEntriesResponse } from '@heed/contracts/gen/heed/audit/v1/ListEntriesResponse.ts'
import type { ProveConsistencyRequest__Output } from '@heed/contracts/gen/heed/audit/v1/ProveConsistencyRequest.ts'
import type { ProveConsistencyResponse } from '@heed/contracts/gen/heed/audit/v1/ProveConsistencyResponse.ts'
import type { ProveInclusionRequest__Output } from '@heed/contracts/gen/heed/audit/v1/ProveInclusionRequest.ts'
import type { ProveInclusionResponse } from '@heed/contracts/gen/heed/audit/v1/ProveInclusionResponse.ts'
import { entryKinds } from '@heed/contracts/trail'
import { parseChangeId, parseDeliveryId, parseSubjectId } from '@heed/domain'
import { formatVerifierKey, verifierOf } from '@heed/merkle-log'
import { type CallContext, type FieldViolation, GrpcFault, status } from '@heed/platform/grpc'
import type { EntryFilter, KnownCheckpoint, LoggedEntry, LogReader } from '@heed/trail'
import type { LogSettings } from './keeper.ts'

const maxProofs = 1_000

/** The handlers of AuditService that answer from the log. */
export function logHandlers(reader: LogReader, settings: LogSettings | undefined) {
  const kept = (): LogSettings => {
    if (settings !== undefined) return settings
    throw new GrpcFault({ code: status.UNIMPLEMENTED, reason: 'NO_LOG_KEPT', message: 'this process keeps no log over the entries' })
  }
  const published = async (): Promise<KnownCheckpoint> => {
    const newest = await reader.checkpoint()
    if (newest !== undefined) return newest
    throw GrpcFault.unavailable('NO_CHECKPOINT_YET', 'the log has no checkpoint yet')
  }

  /** The size that is asked for, which a published checkpoint covers. */
  const sizeOf = (asked: number, newest: number, field: string): number => {
    if (asked < 0 || asked > newest) throw GrpcFault.badRequest([{ field, description: `is 0, or a size up to ${newest}` }])
    return asked === 0 ? newest : asked
  }

  return {
    GetCheckpoint: async (request: GetCheckpointRequest__Output): Promise<GetCheckpointResponse> => {
      const { origin, keys, oldKeys, witnesses } = kept()
      const size = request.size === 0 ? undefined : request.size
      if (size !== undefined && request.witnessed)
        throw GrpcFault.badRequest([{ field: 'witnessed', description: 'asks for the newest, and size for another one' }])
      const found = request.witnessed ? await reader.witnessed() : await reader.checkpoint(size)
      if (found === undefined) throw GrpcFault.notFound('CHECKPOINT_UNKNOWN', 'there is no such checkpoint, or it is kept no longer')
      return {
        checkpoint: checkpointMessage(origin, found),
        verifierKeys: verifierKeysOf({ keys, oldKeys }),
        witnessKeys: witnesses.map(formatVerifierKey),
      }
    },

    ProveInclusion: async (request: ProveInclusionRequest__Output): Promise<ProveInclusionResponse> => {
      const { origin } = kept()
      const newest = await published()
      const treeSize = sizeOf(request.treeSize, newest.size, 'tree_size')
      const { sequences } = request
      if (sequences.length === 0 || sequences.length > maxProofs)
        throw GrpcFault.badRequest([{ field: 'sequences', description: `1 to ${maxProofs} of them` }])
      if (sequences.some((sequence) => sequence < 0 || sequence >= treeSize))
        throw GrpcFault.badRequest([{ field: 'sequences', description: `are from 0 to ${treeSize - 1} in a tree of ${treeSize} entries` }])
      const proofs = await reader.prove(sequences, treeSize)
      const checkpoint = treeSize === newest.size ? newest : await reader.checkpoint(treeSize)
      return {
        proofs: proofs.map(({ sequence, leafHash, hashes }) => ({
          sequence,
          leafHash: Buffer.from(leafHash),
          hashes: hashes.map((hash) => Buffer.from(hash)),
        })),
        treeSize,
        checkpoint: checkpoint === undefined ? null : checkpointMessage(origin, checkpoint),
      }
    },

    ProveConsistency: async (request: ProveConsistencyRequest__Output): Promise<ProveConsistencyResponse> => {
      const { origin } = kept()
      const newest = await published()
      const newSize = sizeOf(request.newSize, newest.size, 'new_size')
      if (request.oldSize < 0 || request.oldSize > newSize)
        throw GrpcFault.badRequest([{ field: 'old_size', description: `is 0 to ${newSize}` }])
      const hashes = await reader.proveGrowth(request.oldSize, newSize)
      const checkpoint = newSize === newest.size ? newest : await reader.checkpoint(newSize)
      return {
        hashes: hashes.map((hash) => Buffer.from(hash)),
        newSize,
        checkpoint: checkpoint === undefined ? null : checkpointMessage(origin, checkpoint),
      }
    },

    async *ListEntries(request: ListEntriesRequest__Output, context: CallContext): AsyncIterable<ListEntriesResponse> {
      kept()
      const newest = await published()
      const filter = filterOf(request, newest.size)
      for await (const { entries, next } of reader.entries(filter)) {
        if (context.signal.aborted) return
        if (entries.length > 0 || next >= filter.to) yield { entries: entries.map(entryMessage), nextSequence: next, treeSize: newest.size }
      }
    },
  }
}

/** The public keys of the log as they are exchanged: those that sign, then those that it signed with before. */
export function verifierKeysOf({ keys, oldKeys }: Pick<LogSettings, 'keys' | 'oldKeys'>): string[] {
  return [...keys.map(verifierOf), ...oldKeys].map(formatVerifierKey)
}

function checkpointMessage(origin: string, { size, root, note, at }: KnownCheckpoint): Checkpoint {
  return { note, origin, size, rootHash: Buffer.from(root), signedAt: toTimestamp(at) }
}

function entryMessage({ sequence, leaf, disclosure }: LoggedEntry) {
  return {
    sequence,
    leaf,
    disclosure:
      disclosure === undefined
        ? null
        : {
            subjects: disclosure.subjects.map(({ subjectId, salt }) => ({ subjectId, salt: Buffer.from(salt) })),
            sealed: disclosure.sealed?.text ?? '',
            sealedSalt: Buffer.from(disclosure.sealed?.salt ?? []),
          },
  }
}

/** What is asked for. Throws the fault that names every field that cannot be read, and those that contradict each other. */
function filterOf(request: ListEntriesRequest__Output, newest: number): EntryFilter {
  const violations: FieldViolation[] = []
  const refuse = (field: string, description: string) => violations.push({ field, description })
  const { fromSequence, toSequence, subjectId, changeId, deliveryId, kinds } = request
  if (fromSequence < 0) refuse('from_sequence', 'cannot be negative')
  if (toSequence < 0 || toSequence > newest) refuse('to_sequence', `is 0, or a place up to ${newest}`)
  if ([subjectId, changeId, deliveryId].filter((id) => id !== '').length > 1)
    refuse('subject_id', 'name one of a subject, a change and a delivery')
  const subject = subjectId === '' ? undefined : parseSubjectId(subjectId)
  if (subjectId !== '' && subject === undefined) refuse('subject_id', 'is no subject id: s- and 26 characters')
  const change = changeId === '' ? undefined : parseChangeId(changeId)
  if (changeId !== '' && change === undefined) refuse('change_id', 'is no change id: <subject id>/<version>')
  const delivery = deliveryId === '' ? undefined : parseDeliveryId(deliveryId)
  if (deliveryId !== '' && delivery === undefined) refuse('delivery_id', 'is no delivery id: <recipient>/<subject id>/<version>')
  const unknown = kinds.filter((kind) => !entryKinds.some((known) => known === kind))
  if (unknown.length > 0) refuse('kinds', `are some of ${entryKinds.join(', ')}`)
  if (violations.length > 0) throw GrpcFault.badRequest(violations)
  const since = fromTimestamp(request.from)
  const before = fromTimestamp(request.to)
  const about = subject ?? change?.subjectId ?? delivery?.subjectId
  const version = change?.version ?? delivery?.version
  return {
    from: fromSequence,
    to: toSequence === 0 ? newest : toSequence,
    ...(about === undefined ? {} : { subjectId: about }),
    ...(version === undefined ? {} : { version }),
    ...(delivery === undefined ? {} : { recipientId: delivery.recipientId }),
    ...(kinds.length === 0 ? {} : { kinds }),
    ...(since === undefined ? {} : { since }),
    ...(before === undefined ? {} : { before }),
  }
}
