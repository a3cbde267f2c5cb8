export { linkedinAds } from './connector.ts'
export type { LinkedinAdsSettings } from './settings.ts'
