import { loadService, originWords, toTimestamp } from '@heed/contracts'
import type { GetPolicyResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/GetPolicyResponse.ts'
import type { LinkUse__Output } from '@heed/contracts/gen/heed/preferences/v1/LinkUse.ts'
import type { UnsubscribeLinkUse } from '@heed/contracts/gen/heed/preferences/v1/UnsubscribeLinkUse.ts'
import type { UseUnsubscribeLinksRequest } from '@heed/contracts/gen/heed/preferences/v1/UseUnsubscribeLinksRequest.ts'
import type { UseUnsubscribeLinksResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/UseUnsubscribeLinksResponse.ts'
import { closeClient, GrpcFault, grpcClient, status, type UnaryCall } from '@heed/platform/grpc'
import type { Click } from './click.ts'
import type { LinksPort, LinkUseResult } from './forwarder.ts'

interface PreferencesClient {
  useUnsubscribeLinks: UnaryCall<UseUnsubscribeLinksRequest, UseUnsubscribeLinksResponse__Output>
  getPolicy: UnaryCall<Record<string, never>, GetPolicyResponse__Output>
}

/** Preferences as the edge needs it. */
export interface Preferences extends LinksPort {
  /** The titles of purposes and topics by key. Throws where preferences is away. */
  titles(): Promise<ReadonlyMap<string, string>>
  close(): void
}

/** Preferences over gRPC. */
export function preferencesOverGrpc(options: { readonly address: string; readonly key: string }): Preferences {
  const client = grpcClient<PreferencesClient>(loadService('heed.preferences.v1.PreferenceService'), {
    address: options.address,
    key: options.key,
    deadlineMs: 2_000,
  })
  return {
    async use(clicks, limits) {
      try {
        const { results } = await client.useUnsubscribeLinks({ uses: clicks.map(toWire) }, limits)
        return results.map(({ result }) => resultOf(result))
      } catch (thrown) {
        if (thrown instanceof GrpcFault && (thrown.code === status.INVALID_ARGUMENT || thrown.code === status.OUT_OF_RANGE))
          return 'refused'
        throw thrown
      }
    },
    async titles() {
      const policy = await client.getPolicy({})
      return new Map(
        policy.purposes.flatMap(({ key, title, topics }) => [
          [key, title] as const,
          ...topics.map((topic) => [topic.key, topic.title] as const),
        ]),
      )
    },
    close: () => closeClient(client),
  }
}

function toWire(click: Click): UnsubscribeLinkUse {
  return {
    linkRef: click.linkRef,
    scope: click.scope,
    method: originWords.toWire(click.method),
    tokenFingerprint: click.tokenFingerprint,
    keyId: click.keyId,
    usedAt: toTimestamp(click.usedAt),
    requestId: click.requestId,
  }
}

function resultOf(wire: LinkUse__Output): LinkUseResult {
  switch (wire) {
    case 'LINK_USE_CHANGED':
      return 'changed'
    case 'LINK_USE_UNCHANGED':
      return 'unchanged'
    case 'LINK_USE_ERASED':
      return 'erased'
    case 'LINK_USE_UNKNOWN':
    case 'LINK_USE_UNSPECIFIED':
      return 'unknown'
    default:
      return wire satisfies never
  }
}
