// Starts the thread from its source: a thread's own options cannot load TypeScript.
import { tsImport } from 'tsx/esm/api'

await tsImport('./audit-thread.ts', import.meta.url)
