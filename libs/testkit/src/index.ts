export { freshDatabaseName, freshTopicPrefix } from './fresh.ts'
