import { join } from 'node:path'
import { findOnPath, isRunnable, runTool } from './tool.ts'

/** The oldest Java that Kafka's broker runs on (Kafka 4.x, "Java version" in its documentation). */
export const oldestJava = 17

/** A Java runtime of this machine. */
export interface Java {
  command: string
  /** The feature release, 17 or 21, say. */
  feature: number
  /** All that `java -version` says. */
  identity: string
}

/** The Java of `JAVA_HOME` or the PATH; `undefined` where there is none that runs. */
export async function findJava(env: NodeJS.ProcessEnv): Promise<Java | undefined> {
  const home = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : undefined
  const command = home !== undefined && isRunnable(home) ? home : findOnPath('java', env)
  if (command === undefined) return undefined
  const result = await runTool(command, ['-version'], { env, timeoutMs: 15_000 })
  const identity = result.lines.join('\n')
  // macOS has a `java` that only says where to get one, and exits non-zero.
  const feature = result.code === 0 ? javaFeature(identity) : undefined
  return feature === undefined ? undefined : { command, feature, identity }
}

/** Reads the feature release from what `java -version` prints: `"17.0.15"` is 17, `"1.8.0_402"` is 8, `"21"` is 21. */
export function javaFeature(text: string): number | undefined {
  const match = /version "(\d+)(?:\.(\d+))?/.exec(text)
  if (!match?.[1]) return undefined
  const first = Number(match[1])
  return first === 1 && match[2] ? Number(match[2]) : first
}
