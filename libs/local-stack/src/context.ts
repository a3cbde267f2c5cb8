import type { StackPurpose } from './kafka-settings.ts'
import type { PortClaims } from './ports.ts'
import type { ProgressSink } from './progress.ts'
import type { UnexpectedExit } from './server.ts'
import type { RunningFile, StackFile } from './stack-file.ts'

/** What the servers of one data folder share. `file` and `running` are kept in step with the disk. */
export interface StackContext {
  dataDir: string
  cacheDir: string
  env: NodeJS.ProcessEnv
  purpose: StackPurpose
  testCommands: boolean
  progress: ProgressSink
  log: (line: string) => void
  ports: PortClaims
  /** The servers outlive this process. */
  standing: boolean
  /** The data are thrown away at the end. */
  temporary: boolean
  /** Fires when the start is given up: by the caller, or because the other part failed. */
  signal: AbortSignal
  file: StackFile
  running: RunningFile
  onExit: (exit: UnexpectedExit) => void
}
