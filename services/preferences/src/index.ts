export { type PreferencesAdapters, type PreferencesApp, type PreferencesConfig, preferencesApp } from './app.ts'
export { preferencesShape } from './config.ts'
export { type KeySettings, loadKeys, type PreferencesKeys, parseKeys } from './keys.ts'
export { ownTopics } from './relay.ts'
