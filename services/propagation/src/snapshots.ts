import { changeFromEvent, eventSchemas, loadService } from '@heed/contracts'
import type { ScanSnapshotsRequest } from '@heed/contracts/gen/heed/preferences/v1/ScanSnapshotsRequest.ts'
import type { ScanSnapshotsResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/ScanSnapshotsResponse.ts'
import type { Change, PurposeKey, SubjectId } from '@heed/domain'
import { closeClient, grpcClient, type ServerStreamCall } from '@heed/platform/grpc'

/** A page of a scan: the newest change of some subjects, and the cursor after them. */
export interface SnapshotPage {
  readonly changes: readonly Change[]
  readonly cursor: string
  /** How many subjects there were when the scan began; an estimate. */
  readonly total: number
}

/** The journal's newest rows, as preferences gives them. */
export interface Snapshots {
  /** Pages in the order of subject ids, after the cursor. Leaving the loop ends the scan. */
  scan(options: {
    readonly cursor?: string
    readonly purposes?: readonly PurposeKey[]
    readonly subjectId?: SubjectId
  }): AsyncIterable<SnapshotPage>
  close(): void
}

/** Preferences over gRPC; the caller's key needs the scope `snapshots:scan`. */
export function snapshotsOverGrpc(options: { readonly address: string; readonly key: string }): Snapshots {
  const client = grpcClient<{ scanSnapshots: ServerStreamCall<ScanSnapshotsRequest, ScanSnapshotsResponse__Output> }>(
    loadService('heed.preferences.v1.PreferenceService'),
    options,
  )
  return {
    async *scan({ cursor = '', purposes = [], subjectId = '' }) {
      for await (const page of client.scanSnapshots({ cursor, purposes: [...purposes], subjectId })) {
        yield {
          // the sender checked it by the same schema; a fault here is one of ours and ends the scan
          changes: page.snapshots.map(({ eventJson }) =>
            changeFromEvent(eventSchemas['heed.preference.changed.v1'].parse(JSON.parse(eventJson))),
          ),
          cursor: page.cursor,
          total: page.total,
        }
      }
    },
    close: () => closeClient(client),
  }
}
