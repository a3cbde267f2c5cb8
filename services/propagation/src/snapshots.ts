import { changeFromEvent, decodeEvent, loadService } from '@heed/contracts'
import type { ScanSnapshotsRequest } from '@heed/contracts/gen/heed/preferences/v1/ScanSnapshotsRequest.ts'
import type { ScanSnapshotsResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/ScanSnapshotsResponse.ts'
import type { Change, PurposeKey, SubjectId } from '@heed/domain'
import { closeClient, grpcClient, type ServerStreamCall } from '@heed/platform/grpc'

/** A page of a scan: the newest change of some subjects, and the cursor after them. */
export interface SnapshotPage {
  readonly changes: readonly Change[]
  /** Why some could not be read: field names, never values. */
  readonly unreadable: readonly string[]
  readonly cursor: string
  /** How many subjects there were when the scan began; an estimate. */
  readonly total: number
}

/** The journal's newest rows, as preferences gives them. */
export interface Snapshots {
  /** Pages in the order of subject ids, after the cursor. Leaving the loop, or the signal, ends the scan. Throws `GrpcFault`. */
  scan(options: {
    readonly cursor?: string
    readonly purposes?: readonly PurposeKey[]
    readonly subjectId?: SubjectId
    readonly signal?: AbortSignal
  }): AsyncIterable<SnapshotPage>
  close(): void
}

const type = 'heed.preference.changed.v1'

/** Preferences over gRPC; the caller's key needs the scope `snapshots:scan`. */
export function snapshotsOverGrpc(options: { readonly address: string; readonly key: string }): Snapshots {
  const client = grpcClient<{ scanSnapshots: ServerStreamCall<ScanSnapshotsRequest, ScanSnapshotsResponse__Output> }>(
    loadService('heed.preferences.v1.PreferenceService'),
    options,
  )
  return {
    async *scan({ cursor = '', purposes = [], subjectId = '', signal }) {
      const pages = client.scanSnapshots({ cursor, purposes: [...purposes], subjectId }, signal === undefined ? {} : { signal })
      for await (const page of pages) {
        const changes: Change[] = []
        const unreadable: string[] = []
        for (const { eventJson } of page.snapshots) {
          const decoded = decodeEvent({ value: Buffer.from(eventJson), headers: { ce_type: type } }, [type])
          if (!decoded.ok) unreadable.push(decoded.reason)
          else if (decoded.event.type === type) changes.push(changeFromEvent(decoded.event.data))
        }
        yield { changes, unreadable, cursor: page.cursor, total: page.total }
      }
    },
    close: () => closeClient(client),
  }
}
