export { supplierFeed } from './connector.ts'
export type { SupplierFeedSettings } from './settings.ts'
