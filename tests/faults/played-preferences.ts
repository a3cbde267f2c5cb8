import * as grpc from '@grpc/grpc-js'
import { loadService } from '@heed/contracts'
import type { UnsubscribeLinkUse__Output } from '@heed/contracts/gen/heed/preferences/v1/UnsubscribeLinkUse.ts'
import type { UseUnsubscribeLinksRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/UseUnsubscribeLinksRequest.ts'

/** Preferences as the edge sees it, played: it keeps its promises about clicks, and can be away, slow, or lose an answer. */
export interface PlayedPreferences {
  readonly address: string
  /** The clicks that it carried out, once for each request id, in their order. */
  readonly journal: readonly UnsubscribeLinkUse__Output[]
  /** Request ids that came more than once. */
  readonly repeated: number
  behave(how: 'well' | 'away' | 'losing-answers'): void
  stop(): void
}

/** Plays it on a free port. Each call takes some milliseconds. */
export async function playPreferences(): Promise<PlayedPreferences> {
  const journal: UnsubscribeLinkUse__Output[] = []
  const known = new Set<string>()
  let repeated = 0
  let calls = 0
  let how: Parameters<PlayedPreferences['behave']>[0] = 'well'
  const server = new grpc.Server()
  const { UseUnsubscribeLinks, GetPolicy } = loadService('heed.preferences.v1.PreferenceService')
  if (UseUnsubscribeLinks === undefined || GetPolicy === undefined) throw new Error('the methods')
  const away = { code: grpc.status.UNAVAILABLE, details: 'away' }
  server.addService({ UseUnsubscribeLinks, GetPolicy } as grpc.ServiceDefinition, {
    GetPolicy: (_: unknown, answer: grpc.sendUnaryData<unknown>) => (how === 'away' ? answer(away) : answer(null, { purposes: [] })),
    UseUnsubscribeLinks: async (
      { request: { uses } }: grpc.ServerUnaryCall<UseUnsubscribeLinksRequest__Output, unknown>,
      answer: grpc.sendUnaryData<unknown>,
    ) => {
      calls += 1
      await new Promise((resolve) => setTimeout(resolve, 5 + (calls % 7)))
      if (how === 'away') return answer(away)
      for (const use of uses) {
        if (known.has(use.requestId)) repeated += 1
        else journal.push(use)
        known.add(use.requestId)
      }
      if (how === 'losing-answers' && calls % 3 === 0) return answer(away)
      answer(null, { results: uses.map(() => ({ result: 'LINK_USE_CHANGED', changeId: 's-1/1' })) })
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  return {
    address: `127.0.0.1:${port}`,
    journal,
    get repeated() {
      return repeated
    },
    behave: (next) => {
      how = next
    },
    stop: () => server.forceShutdown(),
  }
}
