import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CachedFolder } from './cache-folder.ts'
import { LocalStackError } from './errors.ts'
import { kafkaJars, kafkaVersion, slf4jVersion } from './kafka-jar-list.ts'
import type { ProgressSink } from './progress.ts'
import { findOnPath, runTool } from './tool.ts'

const megabyte = 1_000_000

interface FetchOptions {
  env: NodeJS.ProcessEnv
  progress: ProgressSink
  signal: AbortSignal
}

/** The broker's jars in the cache; Maven fetches them, so the user's mirrors, proxies and local repository are honoured. */
export function kafkaJarsFolder(options: FetchOptions): CachedFolder {
  return {
    name: `kafka-${kafkaVersion}`,
    files: kafkaJars,
    exclusiveEnding: '.jar',
    fetch: (emptyDir) => fetchKafkaJars(emptyDir, options),
  }
}

/** The class path that holds every jar by name: its order, and with it what a class-data archive was made for, never changes. */
export function kafkaClassPath(jarsDir: string): string {
  return kafkaJars.map((jar) => join(jarsDir, jar.name)).join(':')
}

async function fetchKafkaJars(emptyDir: string, { env, progress, signal }: FetchOptions): Promise<void> {
  const maven = findOnPath('mvn', env)
  if (maven === undefined)
    throw new LocalStackError(
      'missing-tool',
      'Kafka has to be fetched and there is no Maven: install Maven (mvn), or run Docker, or set KAFKA_BROKERS',
    )
  // A folder of its own: a project file of a parent folder must not take part.
  const work = join(emptyDir, 'maven')
  mkdirSync(work)
  const pom = join(work, 'pom.xml')
  writeFileSync(pom, pomText())
  const sizes = new Map(kafkaJars.map((jar) => [jar.name, jar.bytes]))
  const total = kafkaJars.reduce((sum, jar) => sum + jar.bytes, 0)
  const task = progress.start(`fetching Kafka ${kafkaVersion}`, total / megabyte, 'MB')
  let done = 0
  const args = [
    '-B',
    '-f',
    pom,
    'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
    `-DoutputDirectory=${join(work, 'jars')}`,
  ]
  const result = await runTool(maven, args, {
    env,
    signal,
    timeoutMs: 15 * 60_000,
    onLine(line) {
      const jar = /Downloaded from .*\/([^/ ]+\.jar) /.exec(line)?.[1]
      done += (jar === undefined ? undefined : sizes.get(jar)) ?? 0
      task.update(done / megabyte)
    },
  })
  task.end(result.code === 0 ? 'done' : 'failed')
  signal.throwIfAborted()
  if (result.code !== 0) {
    const detail = result.lines
      .filter((line) => line.includes('ERROR'))
      .slice(0, 10)
      .join('\n')
    throw new LocalStackError(
      'fetch-failed',
      'Maven could not fetch Kafka: see that it reaches its repository, or run Docker, or set KAFKA_BROKERS',
      { detail },
    )
  }
  for (const name of readdirSync(join(work, 'jars'))) renameSync(join(work, 'jars', name), join(emptyDir, name))
  rmSync(work, { recursive: true })
}

function pomText(): string {
  const dependency = (group: string, artifact: string, version: string) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
  return [
    '<project><modelVersion>4.0.0</modelVersion><groupId>heed</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>',
    '<dependencies>',
    dependency('org.apache.kafka', 'kafka_2.13', kafkaVersion),
    dependency('org.slf4j', 'slf4j-simple', slf4jVersion),
    '</dependencies></project>',
    '',
  ].join('\n')
}
