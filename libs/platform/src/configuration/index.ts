export * from './configuration-record.ts'
