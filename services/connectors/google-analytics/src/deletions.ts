import type { ResolvedIdentifier } from '@heed/connector-kit'
import { deriveForm, type IdentifierKind } from '@heed/domain'
import type { GoogleAnalyticsSettings } from './settings.ts'
import { pathOf } from './settings.ts'

/** Names of one person in one property, each by the field that it is given in. */
export type UserField = 'userId' | 'clientId' | 'appInstanceId' | 'userProvidedData'

/** One name by which Analytics may know a person. */
export interface User {
  readonly field: UserField
  readonly value: string
}

const fields: Readonly<Partial<Record<IdentifierKind, UserField>>> = {
  'user-id': 'userId',
  'browser-id': 'clientId',
  'app-instance-id': 'appInstanceId',
  email: 'userProvidedData',
  phone: 'userProvidedData',
}

// the User Deletion API has no word for an address or a phone
const typesOfV3: Readonly<Partial<Record<UserField, string>>> = {
  userId: 'USER_ID',
  clientId: 'CLIENT_ID',
  appInstanceId: 'APP_INSTANCE_ID',
}

/** The kinds of identifier that an interface can act on, best first. */
export function identifierKindsOf(api: GoogleAnalyticsSettings['api']): IdentifierKind[] {
  return (Object.keys(fields) as IdentifierKind[]).filter((kind) => {
    const field = fields[kind]
    return field !== undefined && (api === 'v1alpha' || typesOfV3[field] !== undefined)
  })
}

/** The value as Analytics compares it. Undefined where it has no such form: a hash cannot be found in Analytics. */
function comparedValue({ kind, form, value }: ResolvedIdentifier): string | undefined {
  switch (kind) {
    case 'email':
      if (form === 'google-analytics-email') return value
      // an address as it was given is brought into the form by the one table that has it; that form takes no digest
      return form === 'raw' ? deriveForm('email', value, 'google-analytics-email', () => new Uint8Array())[0] : undefined
    case 'phone': {
      const digits = value.replace(/\D+/g, '')
      return form === 'raw' && digits !== '' ? `+${digits}` : undefined
    }
    default:
      return form === 'raw' && value !== '' ? value : undefined
  }
}

/** Every name of a person, each once: two spellings of an address must not cost two of the day's deletions. */
export function usersOf(identifiers: readonly ResolvedIdentifier[], api: GoogleAnalyticsSettings['api']): User[] {
  const users = new Map<string, User>()
  for (const identifier of identifiers) {
    const field = fields[identifier.kind]
    const value = comparedValue(identifier)
    if (field === undefined || value === undefined || (api === 'v3' && typesOfV3[field] === undefined)) continue
    users.set(`${field} ${value}`, { field, value })
  }
  return [...users.values()]
}

/** What is posted to have one property forget one name: exactly one name in each. */
export function deletionOf(user: User, property: string, settings: GoogleAnalyticsSettings): { path: string; json: unknown } {
  switch (settings.api) {
    case 'v1alpha':
      return { path: pathOf(settings.path, property), json: { [user.field]: user.value } }
    case 'v3':
      return {
        path: '/analytics/v3/userDeletion/userDeletionRequests:upsert',
        json: { kind: 'analytics#userDeletionRequest', id: { type: typesOfV3[user.field], userId: user.value }, propertyId: property },
      }
    default:
      return settings.api satisfies never
  }
}
