export * from './app.ts'
export * from './operations.ts'
export * from './problem.ts'
export * from './server.ts'
