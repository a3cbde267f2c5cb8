export { microsoftAds } from './connector.ts'
export type { MicrosoftAdsSettings } from './settings.ts'
