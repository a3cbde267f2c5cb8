export * from './check.ts'
export * from './loop.ts'
export * from './parts.ts'
export * from './shutdown.ts'
