import { loadService } from '@heed/contracts'
import type { GetChangeStatusRequest } from '@heed/contracts/gen/heed/audit/v1/GetChangeStatusRequest.ts'
import type { GetChangeStatusResponse__Output } from '@heed/contracts/gen/heed/audit/v1/GetChangeStatusResponse.ts'
import type { ChangeId } from '@heed/domain'
import { closeClient, GrpcFault, grpcClient, status, type UnaryCall } from '@heed/platform/grpc'

/** What is still owed to whom, as far as it can be known. */
export interface Duties {
  /**
   * How many deliveries of a change are not settled. A change of which nobody has heard yet counts as one that is. Undefined where that cannot be said now: the
   * question is to be asked again.
   */
  open(changeId: ChangeId): Promise<number | undefined>
  close(): void
}

/** Where nobody can be asked: an erasure then goes on by its times alone. */
export const unknownDuties: Duties = { open: async () => undefined, close: () => undefined }

interface AuditClient {
  getChangeStatus: UnaryCall<GetChangeStatusRequest, GetChangeStatusResponse__Output>
}

const deadlineMs = 5_000

/** What audit knows of the deliveries. Its address may come to be known later; the key needs the scope `audit:read`. */
export function dutiesOverGrpc(options: { readonly address: () => string | undefined; readonly key: string }): Duties {
  let client: AuditClient | undefined
  return {
    async open(changeId) {
      const address = options.address()
      if (address === undefined) return undefined
      client ??= grpcClient<AuditClient>(loadService('heed.audit.v1.AuditService'), { address, key: options.key, deadlineMs })
      try {
        const { status: change } = await client.getChangeStatus({ changeId })
        if (change === null || change.settled) return change === null ? undefined : 0
        // a delivery that the policy names and nobody has requested yet is owed as well
        return Math.max(1, change.deliveries.filter(({ settled }) => !settled).length)
      } catch (thrown) {
        if (thrown instanceof GrpcFault) return thrown.code === status.NOT_FOUND ? 1 : undefined
        throw thrown
      }
    },
    close() {
      if (client !== undefined) closeClient(client)
    },
  }
}
