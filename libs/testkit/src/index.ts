export { freshDatabaseName, freshTopicPrefix } from './fresh.ts'
export * from './tasks.ts'
