export { metaAds } from './connector.ts'
export type { MetaAdsSettings } from './settings.ts'
