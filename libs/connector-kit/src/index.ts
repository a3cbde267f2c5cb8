export * from './combine.ts'
export * from './contract.ts'
export * from './settings.ts'
export * from './transport/index.ts'
