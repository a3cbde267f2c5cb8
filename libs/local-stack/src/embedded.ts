import { adoptChild, logTail, type RunningChild } from './child.ts'
import { partName } from './choice.ts'
import { recordClassData } from './class-data.ts'
import type { StackContext } from './context.ts'
import { isAlive, type ProcessRef } from './host-process.ts'
import { formatKafka, type KafkaKit, kafkaKit, planKafka, startKafka } from './kafka-server.ts'
import { findMongod } from './mongod-binary.ts'
import { mongodbUri, planMongodb, startMongod } from './mongod-server.ts'
import { loopback } from './ports.ts'
import { type StackServer, superviseExit } from './server.ts'
import { type StackPart, seriesOf, stackPaths, writeRunningFile, writeStackFile } from './stack-file.ts'

// A broker that was asked to stop takes 1 to 2 s, a database well under one.
const stopGraceMs: Record<StackPart, number> = { kafka: 4500, mongodb: 8000 }

/** Starts Kafka on the folder's data, or takes the standing one. */
export async function embeddedKafka(context: StackContext): Promise<StackServer> {
  const { dataDir, file } = context
  const standing = standingChild(context, 'kafka')
  if (standing !== undefined && file.kafka !== undefined) {
    const data = file.kafka
    return embeddedServer(
      context,
      'kafka',
      standing,
      { version: data.version, address: `${loopback}:${data.brokerPort}`, port: data.brokerPort },
      async () => runKafka(context, await kafkaKit(context)),
    )
  }
  const kit = await kafkaKit(context)
  const data = await planKafka(dataDir, file.kafka, context.ports)
  file.kafka = data
  writeStackFile(dataDir, file)
  if (!data.formatted) {
    await formatKafka(kit, dataDir, data, context)
    file.kafka = { ...data, formatted: true }
    writeStackFile(dataDir, file)
  }
  const start = () => runKafka(context, kit)
  const told = { version: data.version, address: `${loopback}:${data.brokerPort}`, port: data.brokerPort }
  const child = await start()
  const recording = new AbortController()
  // A standing stack's starter ends at once and would take the recording with it.
  const recorded = context.standing ? undefined : recordClassData(kit, context.env, recording.signal)
  return embeddedServer(context, 'kafka', child, told, start, async () => {
    recording.abort()
    await recorded
  })
}

/** Starts MongoDB on the folder's data, or takes the standing one. */
export async function embeddedMongodb(context: StackContext): Promise<StackServer> {
  const { dataDir, file } = context
  const standing = standingChild(context, 'mongodb')
  const search = () => findMongod({ ...context, series: file.mongodb === undefined ? undefined : seriesOf(file.mongodb.version) })
  if (standing !== undefined && file.mongodb !== undefined) {
    const data = file.mongodb
    return embeddedServer(
      context,
      'mongodb',
      standing,
      { version: data.version, address: mongodbUri(data.port), port: data.port },
      async () => runMongod(context, await search()),
    )
  }
  const mongod = await search()
  const data = await planMongodb(dataDir, file.mongodb, mongod.version, context.ports)
  file.mongodb = data
  writeStackFile(dataDir, file)
  const start = () => runMongod(context, mongod)
  return embeddedServer(
    context,
    'mongodb',
    await start(),
    { version: data.version, address: mongodbUri(data.port), port: data.port },
    start,
  )
}

async function runKafka(context: StackContext, kit: KafkaKit): Promise<RunningChild> {
  if (context.file.kafka === undefined) throw new Error('Kafka is started before its data are planned')
  return startKafka(kit, context.dataDir, context.file.kafka, { ...context, onSpawn: (child) => remember(context, 'kafka', child.ref) })
}

async function runMongod(context: StackContext, mongod: Awaited<ReturnType<typeof findMongod>>): Promise<RunningChild> {
  if (context.file.mongodb === undefined) throw new Error('MongoDB is started before its data are planned')
  return startMongod(mongod, context.dataDir, context.file.mongodb, {
    ...context,
    onSpawn: (child) => remember(context, 'mongodb', child.ref),
  })
}

function remember(context: StackContext, part: StackPart, ref: ProcessRef): void {
  context.running[part] = ref
  writeRunningFile(context.dataDir, context.running)
}

function standingChild(context: StackContext, part: StackPart): RunningChild | undefined {
  const ref = context.running[part]
  return context.standing && ref !== undefined && isAlive(ref) ? adoptChild(ref) : undefined
}

function embeddedServer(
  context: StackContext,
  part: StackPart,
  first: RunningChild,
  told: { version: string; address: string; port: number },
  start: () => Promise<RunningChild>,
  besides: () => Promise<void> = () => Promise.resolve(),
): StackServer {
  let child = first
  let wanted = false
  let restarting: Promise<void> = Promise.resolve()
  const paths = stackPaths(context.dataDir)
  const logFile = part === 'kafka' ? paths.kafkaLog : paths.mongodbLog
  const supervise = (supervised: RunningChild) =>
    superviseExit(
      supervised,
      () => wanted,
      (how) => context.onExit({ part, message: `${partName[part]} ${how}: see ${logFile}`, detail: logTail(logFile) }),
    )
  supervise(child)
  return {
    part,
    source: 'embedded',
    version: told.version,
    address: told.address,
    at: `${loopback}:${told.port}`,
    get pid() {
      return child.hasExited ? undefined : child.ref.pid
    },
    async kill(signal) {
      const ends = signal === 'SIGKILL' || signal === 'SIGTERM'
      wanted ||= ends
      child.kill(signal)
      if (ends) await child.exited
    },
    restart() {
      const turn = restarting.then(async () => {
        wanted = true
        // A stopped (SIGSTOP) server cannot act on SIGTERM.
        child.kill('SIGCONT')
        await child.stop(stopGraceMs[part])
        await child.exited
        child = await start()
        wanted = false
        supervise(child)
      })
      restarting = turn.catch(() => undefined)
      return turn
    },
    async stop() {
      await restarting
      wanted = true
      child.kill('SIGCONT')
      await Promise.all([child.stop(stopGraceMs[part]), besides()])
    },
  }
}
