export { type Driven, driven } from './drive.ts'
export { freshDatabaseName, freshTopicPrefix } from './fresh.ts'
export * from './tasks.ts'
export { TurnedClock } from './turned-clock.ts'
