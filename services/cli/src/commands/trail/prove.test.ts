import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExportEvidenceRequest } from '@heed/contracts/gen/heed/audit/v1/ExportEvidenceRequest.ts'
import { GrpcFault, status } from '@heed/platform/grpc'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CommandContext } from '../../context.ts'
import { exportPeriod } from './prove.ts'

const hourMs = 3_600_000
const day = (date: number) => Date.UTC(2026, 10, date)

let folder: string
let asked: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heed-export-'))
  asked = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const momentOf = (at: ExportEvidenceRequest['from']) => Number(at?.seconds ?? 0) * 1_000 + (at?.nanos ?? 0) / 1e6

/** An audit whose log has an entry at each of these moments, and whose files hold two of them. */
function contextOf(moments: readonly number[]): CommandContext {
  async function* exportEvidence(request: ExportEvidenceRequest) {
    asked += 1
    const [from, to] = [momentOf(request.from), momentOf(request.to)]
    const entries = moments.filter((at) => at >= from && at < to).length
    if (entries === 0) throw GrpcFault.notFound('EVIDENCE_UNKNOWN', 'the trail holds nothing of it')
    if (entries > 2) throw new GrpcFault({ code: status.OUT_OF_RANGE, reason: 'EVIDENCE_TOO_LARGE', message: 'too many' })
    yield { chunk: Buffer.from('evidence'), progress: 1 }
  }
  return {
    env: {},
    output: { json: true, line: () => undefined, document: () => undefined, table: () => undefined },
    clients: () => ({ audit: { exportEvidence } }),
  } as unknown as CommandContext
}

describe('the evidence of a period', () => {
  it('is a file for each day on which something happened', async () => {
    await exportPeriod(contextOf([day(1) + 1, day(3) + 1]), day(1), day(4), folder)
    expect(readdirSync(folder)).toEqual(['2026-11-01T000000--2026-11-02T000000.heed.zip', '2026-11-03T000000--2026-11-04T000000.heed.zip'])
  })

  it('is several files where one cannot hold a day, each entry in one of them', async () => {
    await exportPeriod(contextOf([1, 2, 3, 14].map((hour) => day(1) + hour * hourMs)), day(1), day(2), folder)
    expect(readdirSync(folder)).toEqual([
      '2026-11-01T000000--2026-11-01T030000.heed.zip',
      '2026-11-01T030000--2026-11-01T060000.heed.zip',
      '2026-11-01T120000--2026-11-02T000000.heed.zip',
    ])
  })

  it('goes on where it was interrupted', async () => {
    const context = contextOf([day(1) + 1, day(2) + 1])
    await exportPeriod(context, day(1), day(2), folder)
    await exportPeriod(context, day(1), day(3), folder)
    expect(asked).toBe(2)
  })

  it('ends at a second that no file can hold', async () => {
    const context = contextOf([day(1), day(1), day(1)])
    await expect(exportPeriod(context, day(1), day(2), folder)).rejects.toMatchObject({ reason: 'EVIDENCE_TOO_LARGE' })
    expect(readdirSync(folder)).toEqual([])
  })
})
