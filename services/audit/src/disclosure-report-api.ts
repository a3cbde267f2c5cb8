import { GrpcFault, status } from '@heed/platform/grpc'

/** Who may give out a report: a caller of `audit:read` may not. */
export const disclosureReportScope = 'disclosures:report'

/** DisclosureReport. */
export function disclosureReportHandler() {
  return async (): Promise<never> => {
    throw new GrpcFault({ code: status.UNIMPLEMENTED, reason: 'NOT_YET', message: 'this hub does not serve this call' })
  }
}
