import { LocalStackError } from './errors.ts'
import type { OwnSource, StackPart, StackSource } from './stack-file.ts'

/** What is known when a source is chosen for one part. */
export interface ChoiceFacts {
  /** Whether the part's environment variable is set. */
  given: boolean
  prefer: StackSource | undefined
  /** Where the data folder's data live, where it holds any. */
  dataSource: OwnSource | undefined
  /** Whether a Docker engine answers, and how that is known. Asked only when it matters. */
  docker: () => Promise<DockerAnswer>
}

/** Whether a Docker engine can be used, with the reason in a few words. */
export interface DockerAnswer {
  available: boolean
  why: string
}

/** A chosen source and, in a few words, why. */
export interface Choice {
  source: StackSource
  why: string
}

/** The environment variable that gives a part. */
export const givenBy: Record<StackPart, string> = { kafka: 'KAFKA_BROKERS', mongodb: 'MONGODB_URI' }
/** A part's name for people. */
export const partName: Record<StackPart, string> = { kafka: 'Kafka', mongodb: 'MongoDB' }

/**
 * Chooses where one part comes from, first match wins: the caller's preference; the environment variable; the place where the data
 * folder's data already live; a Docker engine; embedded. Throws `LocalStackError` when a preference or the data rule out what is there.
 */
export async function chooseSource(part: StackPart, facts: ChoiceFacts): Promise<Choice> {
  if (facts.prefer === 'given' && !facts.given) {
    throw new LocalStackError('start-failed', `${partName[part]} shall be a given one, but ${givenBy[part]} is not set`)
  }
  if (facts.prefer === 'given' || (facts.prefer === undefined && facts.given)) return { source: 'given', why: `${givenBy[part]} is set` }

  if (facts.prefer !== undefined && facts.dataSource !== undefined && facts.prefer !== facts.dataSource) {
    const where = facts.dataSource === 'docker' ? 'in Docker volumes' : 'in the data folder'
    throw new LocalStackError(
      'data-elsewhere',
      `${partName[part]} shall be ${facts.prefer}, but this folder's data live ${where}: use another data folder`,
    )
  }
  if (facts.prefer === 'embedded') return { source: 'embedded', why: 'asked for' }
  if (facts.dataSource === 'embedded') return { source: 'embedded', why: 'the data folder was made that way' }

  const docker = await facts.docker()
  if (docker.available) return { source: 'docker', why: docker.why }
  if (facts.prefer === 'docker')
    throw new LocalStackError('missing-tool', `${partName[part]} shall run in Docker, but ${docker.why}: start a Docker engine`)
  if (facts.dataSource === 'docker') {
    throw new LocalStackError(
      'data-elsewhere',
      `this folder's ${partName[part]} data live in a Docker volume, but ${docker.why}: start Docker, or use another data folder`,
    )
  }
  return { source: 'embedded', why: docker.why }
}

/** The value of `HEED_STACK`: one of the sources, or nothing. Throws `LocalStackError` for any other text. */
export function parsePreference(text: string | undefined): StackSource | undefined {
  if (text === undefined || text === '') return undefined
  if (text === 'given' || text === 'docker' || text === 'embedded') return text
  throw new LocalStackError('start-failed', `HEED_STACK is "${text}", but must be given, docker or embedded`)
}

/** The broker addresses of `KAFKA_BROKERS`: comma separated, blanks ignored. Throws `LocalStackError` for one without a port. */
export function parseBrokers(text: string): string[] {
  const brokers = text
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '')
  const wrong = brokers.find((address) => !/^.+:\d+$/.test(address))
  if (brokers.length === 0 || wrong !== undefined) {
    throw new LocalStackError(
      'start-failed',
      `KAFKA_BROKERS must be host:port, several separated by commas; ${wrong ?? 'it is empty'} is not`,
    )
  }
  return brokers
}

/** One line for people: where each part comes from and why. Parts with the same answer share it. */
export function choiceLine(parts: { part: StackPart; version: string | undefined; choice: Choice; at: string | undefined }[]): string {
  const told = parts.map(({ part, version, choice, at }) => {
    const name = version === undefined ? partName[part] : `${partName[part]} ${version}`
    return { name: at === undefined ? name : `${name} at ${at}`, tail: `${choice.source} (${choice.why})` }
  })
  const [first, second] = told
  if (first !== undefined && second !== undefined && first.tail === second.tail) return `${first.name} and ${second.name}: ${first.tail}`
  return told.map(({ name, tail }) => `${name}: ${tail}`).join('; ')
}
