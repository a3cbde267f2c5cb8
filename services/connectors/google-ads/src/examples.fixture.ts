import type { Answer, HttpRequest, Interpretation, PlannedRequest, ResolvedIdentifier, Task } from '@heed/connector-kit'
import { anOptIn, anOptOut, emailIdentifiers, type TaskOptions } from '@heed/testkit'
import { googleAds } from './connector.ts'
import { parseSettings } from './settings.ts'

export const account = { accountType: 'GOOGLE_ADS', accountId: '4085550199' }
export const lists = [
  { id: '7712345001', holds: 'contact' },
  { id: '7712345002', holds: 'mobile' },
  { id: '7712345003', holds: 'user-id' },
]
export const given = { credential: 'env:GOOGLE_DATA_MANAGER_CREDENTIAL', operatingAccount: account, lists }
export const settings = parseSettings(given)
export const contactOnly = parseSettings({ ...given, lists: lists.slice(0, 1) })
export const batch = { sequence: 0, openedAt: 0, extent: 'delta' } as const

export const ads = { recipientId: 'google-ads', purposes: ['interest-based-advertising'] }
export const emails = (...addresses: string[]) => addresses.flatMap((address) => emailIdentifiers(address, 'google-sha256-hex'))
export const phone: ResolvedIdentifier = {
  kind: 'phone',
  form: 'e164-sha256-hex',
  value: '36a2cef4ff9bf7a1abd2a93359136b870393be4106e6c5d19b72ff564f9deca4',
}
export const idfa: ResolvedIdentifier = { kind: 'idfa', form: 'raw', value: 'C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93' }
export const gaid: ResolvedIdentifier = { kind: 'gaid', form: 'raw', value: '5e1f0c8a-02c4-4e33-9b0f-8f2d6a7b1c55' }
export const userId: ResolvedIdentifier = { kind: 'user-id', form: 'raw', value: 'crm-000481' }
export const optOut = (address: string, options: TaskOptions = {}) =>
  anOptOut(address, { ...ads, identifiers: emails(address), ...options })
export const optIn = (address: string, options: TaskOptions = {}) => anOptIn(address, { ...ads, identifiers: emails(address), ...options })

export const jane = optOut('jane.doe@example.com', { identifiers: [...emails('jane.doe@example.com'), phone] })
export const bob = optOut('bob@example.org')
export const cy = optOut('cy@example.org')

export const plan = (tasks: readonly Task[], using = settings) => googleAds.plan(tasks, using, batch)
export const http = (planned: ReturnType<typeof plan>[number] | undefined): HttpRequest => {
  if (planned?.via !== 'http') throw new Error('an HTTP request')
  return planned
}
export interface Body {
  audienceMembers: { userData?: { userIdentifiers: Record<string, string>[] } }[]
  destinations: unknown[]
}
export const bodyOf = (request: PlannedRequest | undefined): Body => {
  if (request?.via !== 'http' || request.body === undefined || !('json' in request.body)) throw new Error('a JSON body')
  return request.body.json as Body
}
export const answer = (status: number, body: unknown = ''): Answer => ({
  via: 'http',
  status,
  headers: {},
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})
export const read = (request: PlannedRequest, from: Answer): Interpretation => googleAds.interpret(request, from, settings)
export const outcomes = (interpretation: Interpretation) => interpretation.outcomes.map(({ outcome }) => outcome)

export const violation = (field: string, reason: string) => ({ field, description: 'd', reason })
export const refusal = (...violations: ReturnType<typeof violation>[]) =>
  answer(400, {
    error: {
      code: 400,
      status: 'INVALID_ARGUMENT',
      message: 'There was a problem with the request.',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'INVALID_ARGUMENT',
          domain: 'datamanager.googleapis.com',
          metadata: { requestId: 't-abc' },
        },
        { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: violations },
      ],
    },
  })
export const failure = (status: number, name: string, metadata: Record<string, string> = {}, ...details: unknown[]) =>
  answer(status, {
    error: {
      code: status,
      status: name,
      details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: name, metadata }, ...details],
    },
  })
export const statusOf = (...states: [string, string?][]) =>
  answer(200, {
    requestStatusPerDestination: states.map(([requestStatus, reason]) => ({
      destination: {},
      requestStatus,
      ...(reason === undefined ? {} : { errorInfo: { errorCounts: [{ recordCount: '1', reason }] } }),
      audienceMembersRemovalStatus: { userDataRemovalStatus: { recordCount: '1', userIdentifierCount: '2' } },
    })),
  })
export const job = { id: '5b0c7a52-3f1e-4d7a-9a66-0e4f1f2c9d10', pollAfterSeconds: 1_800, note: { destinations: 1 } }
