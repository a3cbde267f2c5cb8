export * from './exchange.ts'
export * from './feed-file.ts'
export * from './settings.ts'
