import { isRecord, textOf } from '../frame/json.ts'
import type { KnownPeople } from './people.ts'
import type { Action, Transaction } from './transactions.ts'

/** An error in LiveIntent's words. */
export interface SubjectError {
  readonly httpStatus: number
  readonly message: string
  readonly errorCode: string
}

/** The scopes that the demo token may speak for, e.g. `Advertiser/1`. */
export type AllowedScopes = ReadonlySet<string>

type Submission = Pick<Transaction, 'action' | 'scope' | 'jurisdiction' | 'submitter' | 'emailHashes'>

const FIELDS: readonly string[] = ['action', 'scope', 'jurisdiction', 'emailHashes', 'liveIntentFpcs', 'submitter', 'callback']
const bad = (message: string, errorCode: string): { error: SubjectError } => ({ error: { httpStatus: 400, message, errorCode } })

/** What is asked for, or why that is refused. */
export function readSubmission(
  body: unknown,
  people: KnownPeople,
  allowed: AllowedScopes,
): { readonly submission: Submission } | { readonly error: SubjectError } {
  if (!isRecord(body)) return bad('The body is not JSON', 'MALFORMED_BODY')
  if (Object.keys(body).some((field) => !FIELDS.includes(field))) return bad('Unknown field', 'MALFORMED_BODY')
  const { action, jurisdiction = null, emailHashes = [], submitter = null } = body
  if (action !== 'RESTRICT' && action !== 'ERASURE') return bad('action must be RESTRICT or ERASURE', 'INVALID_ACTION')
  if (jurisdiction !== null && jurisdiction !== 'US_PRIVACY' && jurisdiction !== 'EU_PRIVACY')
    return bad('jurisdiction must be US_PRIVACY or EU_PRIVACY', 'INVALID_JURISDICTION')
  const scope = scopeOf(body.scope)
  if (scope === undefined) return bad('scope must name one account', 'INVALID_SCOPE')
  if (!allowed.has(scope))
    return { error: { httpStatus: 404, message: 'The provided account cannot be used', errorCode: 'ACCOUNT_NOT_FOUND' } }
  if (!Array.isArray(emailHashes) || emailHashes.length === 0) return bad('emailHashes must not be empty', 'MISSING_HASHES')
  if (new Set(emailHashes).size !== emailHashes.length) return bad('emailHashes must be unique', 'INVALID_HASH')
  const persons = new Set<string>()
  for (const hash of emailHashes as unknown[]) {
    const found = people.recognise(typeof hash === 'string' ? hash : '')
    if (found.kind === 'malformed') return bad('A hash is 32, 40 or 64 lower-case hex digits', 'INVALID_HASH')
    if (found.kind === 'misread') return bad('A hash is of a trimmed, lower-cased address', 'MISREAD_HASH')
    if (found.kind === 'known') persons.add(found.address)
  }
  // a real LiveIntent would now take them for one person
  if (persons.size > 1) return bad('The hashes are of several people', 'SEVERAL_PEOPLE')
  return {
    submission: {
      action: action satisfies Action,
      scope,
      jurisdiction: textOf(jurisdiction) ?? null,
      submitter: textOf(submitter) ?? null,
      emailHashes: emailHashes as string[],
    },
  }
}

function scopeOf(scope: unknown): string | undefined {
  if (!isRecord(scope)) return undefined
  const [[kind, account] = [], ...more] = Object.entries(scope)
  if (kind === undefined || more.length > 0 || !isRecord(account)) return undefined
  if (kind === 'Global') return Object.keys(account).length === 0 ? kind : undefined
  if (kind !== 'Advertiser' && kind !== 'Publisher' && kind !== 'MediaGroup') return undefined
  return Number.isInteger(account.id) ? `${kind}/${String(account.id)}` : undefined
}
