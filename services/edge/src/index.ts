export { type EdgeApp, type EdgeOptions, edgeApp } from './app.ts'
export { callbackKeys } from './callback-keys.ts'
export { edgeShape } from './config.ts'
export { type Preferences, preferencesOverGrpc } from './preferences-links.ts'
