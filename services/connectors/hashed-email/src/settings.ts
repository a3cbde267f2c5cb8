import { feedFileFields, folderStoreFields, SettingsError, sftpStoreFields } from '@heed/connector-kit'
import { identifierForms } from '@heed/domain'
import { z } from 'zod'

const common = {
  ...feedFileFields,
  hashProfile: z.string().refine((name) => name in identifierForms, { error: 'must be a hash profile that is known' }),
}

const shape = z.discriminatedUnion('transport', [
  z.strictObject({ ...common, ...sftpStoreFields }),
  z.strictObject({ ...common, ...folderStoreFields }),
])

/** The settings of one partner, from the policy file. */
export type HashedEmailSettings = z.output<typeof shape>

/** The settings, checked. Throws `SettingsError` that names the first wrong field. */
export function parseSettings(settings: Readonly<Record<string, unknown>>): HashedEmailSettings {
  const checked = shape.safeParse(settings)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  throw new SettingsError(issue?.path.join('.') || 'settings', issue?.message ?? 'not valid')
}
