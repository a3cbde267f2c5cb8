export { hashedEmail } from './connector.ts'
export type { HashedEmailSettings } from './settings.ts'
