import { changeToEvent, loadService } from '@heed/contracts'
import type { ScanSnapshotsRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/ScanSnapshotsRequest.ts'
import type { ScanSnapshotsResponse } from '@heed/contracts/gen/heed/preferences/v1/ScanSnapshotsResponse.ts'
import type { Change } from '@heed/domain'
import { type AnyHandler, type CallerStore, GrpcFault, type GrpcServer, grpcServer, status } from '@heed/platform/grpc'
import type { RunningPart } from '@heed/platform/lifecycle'
import { silentLogger } from '@heed/platform/log'

/** Preferences, played by a server that keeps to the contract of ScanSnapshots and does nothing else. */
export interface PreferencesPlay {
  readonly address: string
  /** The subject's newest change from now on. */
  hold(...changes: Change[]): void
  /** Answers nothing until `up`; scans that are open end with an error. */
  down(): Promise<void>
  up(): Promise<void>
  stop(): Promise<void>
}

/** Starts the play on a free port; it serves pages of that size. */
export async function playPreferences(callers: CallerStore, pageSize = 10): Promise<PreferencesPlay> {
  const newest = new Map<string, Change>()
  const definition = loadService('heed.preferences.v1.PreferenceService')

  async function* scan(request: ScanSnapshotsRequest__Output): AsyncIterable<ScanSnapshotsResponse> {
    const record = (change: Change) => ({
      subjectId: change.snapshot.subjectId,
      version: change.snapshot.version,
      eventJson: JSON.stringify(changeToEvent(change)),
    })
    if (request.subjectId !== '') {
      const change = newest.get(request.subjectId)
      if (change === undefined) throw GrpcFault.notFound('SUBJECT_UNKNOWN', 'there is no such subject')
      yield { snapshots: [record(change)], cursor: request.subjectId, total: 1 }
      return
    }
    const total = newest.size
    for (let cursor = request.cursor; ; ) {
      const ids = [...newest.keys()]
        .sort()
        .filter((id) => id > cursor)
        .slice(0, pageSize)
      const last = ids.at(-1)
      if (last === undefined) return
      cursor = last
      const concerned = ids
        .flatMap((id) => newest.get(id) ?? [])
        .filter(
          ({ snapshot }) => request.purposes.length === 0 || request.purposes.some((purpose) => Object.hasOwn(snapshot.choices, purpose)),
        )
      yield { snapshots: concerned.map(record), cursor, total }
    }
  }

  const absent: AnyHandler = () =>
    Promise.reject(new GrpcFault({ code: status.UNIMPLEMENTED, reason: 'NOT_PLAYED', message: 'not played' }))
  const methods = Object.keys(definition)
  let port = 0
  let running: RunningPart | undefined
  const up = async () => {
    const server: GrpcServer = grpcServer({
      name: 'preferences-play',
      port,
      host: '127.0.0.1',
      services: [
        {
          definition,
          handlers: { ...Object.fromEntries(methods.map((method) => [method, absent])), ScanSnapshots: scan },
          scopes: Object.fromEntries(methods.map((method) => [method, method === 'ScanSnapshots' ? 'snapshots:scan' : 'nobody'])),
        },
      ],
      callers,
      log: silentLogger,
      reflection: false,
      drainMs: 50,
    })
    running = await server.start()
    port = server.port
  }
  const down = async () => {
    await running?.stop()
    running = undefined
  }
  await up()
  return {
    get address() {
      return `127.0.0.1:${port}`
    },
    hold: (...changes) => {
      for (const change of changes) newest.set(change.snapshot.subjectId, change)
    },
    down,
    up,
    stop: down,
  }
}
