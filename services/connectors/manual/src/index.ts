export { type ManualSettings, manual } from './connector.ts'
