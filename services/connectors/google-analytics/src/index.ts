export { googleAnalytics } from './connector.ts'
export type { GoogleAnalyticsSettings } from './settings.ts'
