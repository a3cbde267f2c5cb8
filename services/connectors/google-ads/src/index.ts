export { googleAds } from './connector.ts'
export type { GoogleAdsSettings, ListKind } from './settings.ts'
