import type { DockerAnswer } from './choice.ts'

/** Whether a Docker engine answers. */
export function probeDocker(_env: NodeJS.ProcessEnv): Promise<DockerAnswer> {
  return Promise.resolve({ available: false, why: 'no Docker engine answers' })
}
