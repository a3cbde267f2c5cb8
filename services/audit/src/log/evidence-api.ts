import { setTimeout as sleep } from 'node:timers/promises'
import { fromTimestamp } from '@heed/contracts'
import type { ExportEvidenceRequest__Output } from '@heed/contracts/gen/heed/audit/v1/ExportEvidenceRequest.ts'
import type { ExportEvidenceResponse } from '@heed/contracts/gen/heed/audit/v1/ExportEvidenceResponse.ts'
import { parseChangeId, parseDeliveryId, parseSubjectId } from '@heed/domain'
import { type About, BundleError, encodeBundle } from '@heed/evidence'
import { type CallContext, type FieldViolation, GrpcFault, status } from '@heed/platform/grpc'
import { EvidenceError, type EvidenceSources, gatherEvidence } from './evidence.ts'

const chunkBytes = 64 * 1024
const maxAgainst = 16
const progressEveryMs = 500

/** The handler of `ExportEvidence`: progress while the file is made, then its pieces. `sources` is undefined where no log is kept. */
export function exportEvidence(sources: EvidenceSources | undefined) {
  return async function* (request: ExportEvidenceRequest__Output, context: CallContext): AsyncIterable<ExportEvidenceResponse> {
    if (sources === undefined)
      throw new GrpcFault({ code: status.UNIMPLEMENTED, reason: 'NO_LOG_KEPT', message: 'this process keeps no log over the entries' })
    const { about, againstSizes } = parsed(request)
    const work = { progress: 0, isDone: false }
    const making = made(sources, about, againstSizes, (done) => {
      work.progress = done
    }).finally(() => {
      work.isDone = true
    })
    try {
      while (!work.isDone) {
        const timer = new AbortController()
        await Promise.race([making, sleep(progressEveryMs, undefined, { signal: timer.signal }).catch(() => undefined)]).finally(() =>
          timer.abort(),
        )
        if (!work.isDone) yield { chunk: Buffer.alloc(0), progress: work.progress }
      }
    } finally {
      // whoever hung up is not told; the work is over before the call is
      await Promise.allSettled([making])
    }
    const bytes = await making
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      if (context.signal.aborted) return
      const chunk = bytes.subarray(at, at + chunkBytes)
      yield { chunk: Buffer.from(chunk), progress: 0.9 + (0.1 * (at + chunk.length)) / bytes.length }
    }
  }
}

async function made(
  sources: EvidenceSources,
  about: About,
  againstSizes: readonly number[],
  progress: (done: number) => void,
): Promise<Uint8Array> {
  try {
    return encodeBundle(await gatherEvidence(sources, about, againstSizes, progress))
  } catch (thrown) {
    if (thrown instanceof BundleError) throw tooLarge(thrown.message)
    if (!(thrown instanceof EvidenceError)) throw thrown
    switch (thrown.reason) {
      case 'unknown':
        throw GrpcFault.notFound('EVIDENCE_UNKNOWN', thrown.message)
      case 'too-many':
        throw tooLarge(thrown.message)
      case 'size-beyond':
        throw GrpcFault.badRequest([{ field: 'against_sizes', description: thrown.message }])
      default:
        throw thrown.reason satisfies never
    }
  }
}

function tooLarge(message: string): GrpcFault {
  return new GrpcFault({ code: status.OUT_OF_RANGE, reason: 'EVIDENCE_TOO_LARGE', message })
}

function parsed(request: ExportEvidenceRequest__Output): { about: About; againstSizes: readonly number[] } {
  const { changeId, deliveryId, subjectId, againstSizes } = request
  const from = fromTimestamp(request.from)
  const to = fromTimestamp(request.to)
  const violations: FieldViolation[] = []
  const refuse = (field: string, description: string) => violations.push({ field, description })
  const asked: About[] = []
  if (changeId !== '') {
    if (parseChangeId(changeId) === undefined) refuse('change_id', 'is no change id: <subject id>/<version>')
    asked.push({ kind: 'change', changeId })
  }
  if (deliveryId !== '') {
    if (parseDeliveryId(deliveryId) === undefined) refuse('delivery_id', 'is no delivery id: <recipient>/<subject id>/<version>')
    asked.push({ kind: 'delivery', deliveryId })
  }
  if (subjectId !== '') {
    if (parseSubjectId(subjectId) === undefined) refuse('subject_id', 'is no subject id: s- and 26 characters')
    asked.push({ kind: 'subject', subjectId })
  }
  if (from !== undefined || to !== undefined) {
    if (from === undefined || to === undefined || from >= to) refuse('to', 'a period has both ends, the later one last')
    else asked.push({ kind: 'period', from, to })
  }
  if (violations.length === 0 && asked.length !== 1) refuse('change_id', 'name exactly one of a change, a delivery, a subject and a period')
  if (againstSizes.length > maxAgainst || againstSizes.some((size) => size < 0))
    refuse('against_sizes', `are at most ${maxAgainst} sizes, none negative`)
  const [about] = asked
  if (violations.length > 0 || about === undefined) throw GrpcFault.badRequest(violations)
  return { about, againstSizes }
}
