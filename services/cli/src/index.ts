export type { Surroundings } from './context.ts'
export { type HubFile, readHubFile } from './hub-file.ts'
export { runHeed } from './program.ts'
