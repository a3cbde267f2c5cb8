export { xAds } from './connector.ts'
export type { XAdsSettings } from './settings.ts'
