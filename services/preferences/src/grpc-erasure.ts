import { GrpcFault, status } from '@heed/platform/grpc'

/** Who may do what about forgetting; denied to everybody who was not given it. */
export const erasureScopes = {
  EraseSubject: 'subjects:erase',
  PlanErasure: 'erasures:read',
  ListErasures: 'erasures:read',
  MarkKnownChild: 'subjects:mark-child',
  ImportSuppressions: 'suppressions:import',
  AuthorizeDisclosure: 'disclosures:authorize',
} as const

const unimplemented = async (): Promise<never> => {
  throw new GrpcFault({ code: status.UNIMPLEMENTED, reason: 'NOT_YET', message: 'this hub does not serve this call' })
}

/** EraseSubject, PlanErasure, ListErasures, MarkKnownChild, ImportSuppressions and AuthorizeDisclosure. */
export function erasureHandlers() {
  return {
    EraseSubject: unimplemented,
    PlanErasure: unimplemented,
    ListErasures: unimplemented,
    MarkKnownChild: unimplemented,
    ImportSuppressions: unimplemented,
    AuthorizeDisclosure: unimplemented,
  }
}
