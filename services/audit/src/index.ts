export { type AuditAdapters, type AuditApp, auditApp } from './app.ts'
export { type AuditConfig, auditProcessShape, auditShape } from './config.ts'
