import type { SubjectStanding } from '@heed/contracts/gen/heed/identifiers/v1/SubjectStanding.ts'
import type { LinkUse } from '@heed/contracts/gen/heed/preferences/v1/LinkUse.ts'
import type { PermissionReason as WireReason } from '@heed/contracts/gen/heed/preferences/v1/PermissionReason.ts'
import type { PermissionReason } from '@heed/domain'
import type { Resolved } from './resolve-identifiers.ts'
import type { LinkUsed } from './unsubscribe-links.ts'

/** Why a use is allowed or not, as the wire spells it. */
export const permissionReasons: Readonly<Record<PermissionReason, WireReason>> = {
  granted: 'PERMISSION_REASON_GRANTED',
  denied: 'PERMISSION_REASON_DENIED',
  default_granted: 'PERMISSION_REASON_DEFAULT_GRANTED',
  default_denied: 'PERMISSION_REASON_DEFAULT_DENIED',
  cannot_be_refused: 'PERMISSION_REASON_CANNOT_BE_REFUSED',
  not_served: 'PERMISSION_REASON_NOT_SERVED',
}

/** What a click came to, as the wire spells it. */
export const linkUses: Readonly<Record<LinkUsed['result'], LinkUse>> = {
  changed: 'LINK_USE_CHANGED',
  unchanged: 'LINK_USE_UNCHANGED',
  erased: 'LINK_USE_ERASED',
  unknown: 'LINK_USE_UNKNOWN',
}

/** What became of a subject, as the wire spells it. */
export const standings: Readonly<Record<Resolved['standing'], SubjectStanding>> = {
  active: 'SUBJECT_STANDING_ACTIVE',
  merged: 'SUBJECT_STANDING_MERGED',
  erased: 'SUBJECT_STANDING_ERASED',
  unknown: 'SUBJECT_STANDING_UNKNOWN',
  unreadable: 'SUBJECT_STANDING_UNREADABLE',
}
