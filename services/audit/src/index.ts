export { type AuditAdapters, type AuditApp, auditApp } from './app.ts'
export { type AuditConfig, auditProcessShape, auditShape } from './config.ts'
export type { LogSettings, LogStep } from './log/keeper.ts'
export { loadLogSettings, type ShownKey, shownKeys } from './log/log-settings.ts'
