import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerRuntimeClient, GenericContainer, ImageName } from 'testcontainers'
import { partName } from './choice.ts'
import type { StackContext } from './context.ts'
import { firstLineOf, LocalStackError } from './errors.ts'
import { liveBrokers } from './kafka-probe.ts'
import { newClusterId } from './kafka-server.ts'
import { kafkaEnvironment } from './kafka-settings.ts'
import { becomePrimary, mongodArgs, mongodbUri } from './mongod-server.ts'
import { loopback } from './ports.ts'
import type { StackServer } from './server.ts'
import { refuseOtherSeries, type StackPart, writeRunningFile, writeStackFile } from './stack-file.ts'

/** The images that are run; `version` is what `stack.json` remembers. */
export const images = {
  kafka: { name: 'apache/kafka:4.1.1', version: '4.1.1' },
  mongodb: { name: 'mongo:7.0', version: '7.0' },
} as const

const readyTimeoutMs = 90_000
const stopGraceSeconds: Record<StackPart, number> = { kafka: 5, mongodb: 8 }

/** The Docker engine could not run what it was asked to; embedded may do instead. */
export class DockerUnusable extends Error {
  override readonly name = 'DockerUnusable'
}

/** Starts Kafka in a container, or takes the standing one. Throws `DockerUnusable` when the engine cannot (an image that cannot be pulled, say). */
export async function dockerKafka(context: StackContext): Promise<StackServer> {
  const { file, dataDir } = context
  if (file.kafka !== undefined) refuseOtherSeries('Kafka', file.kafka.version, images.kafka.version, dataDir)
  const brokerPort = await chosenPort(context, 'kafka', file.kafka?.brokerPort)
  const data = {
    source: 'docker',
    version: images.kafka.version,
    clusterId: file.kafka?.clusterId ?? newClusterId(),
    brokerPort,
    controllerPort: 9093,
    formatted: true,
  } as const
  const engine = await connectEngine()
  const host = hostOf(engine)
  const id = await containerFor(engine, context, 'kafka', brokerPort, '/var/lib/kafka/data', (container) =>
    container.withEnvironment(
      kafkaEnvironment(
        { brokerPort, controllerPort: data.controllerPort, dataDir: '/var/lib/kafka/data', advertisedHost: host },
        data.clusterId,
        context.purpose,
      ),
    ),
  )
  file.kafka = data
  const ready = async () => (await liveBrokers(host, brokerPort, 1000)) > 0
  return containerServer(context, 'kafka', engine, id, { address: `${host}:${brokerPort}`, at: `${host}:${brokerPort}` }, ready)
}

/** Starts MongoDB in a container, or takes the standing one. Throws as `dockerKafka` does. */
export async function dockerMongodb(context: StackContext): Promise<StackServer> {
  const { file, dataDir } = context
  if (file.mongodb !== undefined) refuseOtherSeries('MongoDB', file.mongodb.version, images.mongodb.version, dataDir)
  const port = await chosenPort(context, 'mongodb', file.mongodb?.port)
  const engine = await connectEngine()
  const host = hostOf(engine)
  const id = await containerFor(engine, context, 'mongodb', port, '/data/db', (container) =>
    container.withCommand(['mongod', ...mongodArgs(port, '/data/db', { ...context, bindAll: true })]),
  )
  file.mongodb = { source: 'docker', version: images.mongodb.version, port }
  return containerServer(context, 'mongodb', engine, id, { address: mongodbUri(port, host), at: `${host}:${port}` }, () =>
    becomePrimary(port, host),
  )
}

/** Stops and removes containers of a former run or of a standing stack. Their volumes, and the data in them, stay. */
export async function removeContainers(ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const engine = await connectEngine()
  await Promise.all(ids.map((id) => removeContainer(engine, id, 8, false)))
}

/** Which of these containers run now; none when no engine answers. */
export async function runningContainers(ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  try {
    const engine = await connectEngine()
    const states = await Promise.all(ids.map(async (id) => ((await isRunning(engine, id)) ? [id] : [])))
    return states.flat()
  } catch (problem) {
    if (problem instanceof DockerUnusable) return []
    throw problem
  }
}

function chosenPort(context: StackContext, part: StackPart, known: number | undefined): Promise<number> {
  if (known === undefined) return context.ports.free()
  const stands = context.standing && context.running.containers?.[part] !== undefined
  return stands ? Promise.resolve(known) : context.ports.remembered(known, partName[part])
}

async function connectEngine(): Promise<ContainerRuntimeClient> {
  try {
    const { getContainerRuntimeClient } = await import('testcontainers')
    return await getContainerRuntimeClient()
  } catch (problem) {
    throw new DockerUnusable(`a Docker engine answers, but cannot be used (${firstLineOf(problem)})`, { cause: problem })
  }
}

// `localhost` may mean the IPv6 address, where nothing is published.
function hostOf(engine: ContainerRuntimeClient): string {
  const { host } = engine.info.containerRuntime
  return host === 'localhost' ? loopback : host
}

async function containerFor(
  engine: ContainerRuntimeClient,
  context: StackContext,
  part: StackPart,
  port: number,
  target: string,
  configure: (container: GenericContainer) => GenericContainer,
): Promise<string> {
  const former = context.running.containers?.[part]
  if (context.standing && former !== undefined && (await runningContainers([former])).length > 0) return former
  const { GenericContainer, ImageName, Wait } = await import('testcontainers')
  // testcontainers publishes ports on every address of the machine; these servers take no password, so the machine itself is enough.
  class LoopbackContainer extends GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      const bindings: Record<string, { HostPort?: string; HostIp?: string }[]> = this.hostConfig.PortBindings ?? {}
      if (hostOf(engine) === loopback) for (const binding of Object.values(bindings).flat()) binding.HostIp = loopback
    }
  }
  const image = images[part].name
  await obtainImage(engine, ImageName.fromString(image), context.log)
  const container = configure(new LoopbackContainer(image))
    .withExposedPorts({ container: port, host: port })
    .withAutoCleanup(!context.standing)
    .withStartupTimeout(readyTimeoutMs)
    // Whether it serves is asked of the server itself, below; here only that it came up.
    .withWaitStrategy(Wait.forLogMessage(part === 'kafka' ? /started/i : /Waiting for connections/i))
    .withLabels({ 'heed.data': context.dataDir })
  if (!context.temporary) container.withBindMounts([{ source: volumeName(context.dataDir, part), target, mode: 'rw' }])
  try {
    const started = await container.start()
    context.running.containers = { ...context.running.containers, [part]: started.getId() }
    writeRunningFile(context.dataDir, context.running)
    return started.getId()
  } catch (problem) {
    context.log(`${image} does not start in Docker: ${firstLineOf(problem)}`)
    throw new DockerUnusable('a Docker engine answers, but cannot run the images', { cause: problem })
  }
}

async function obtainImage(engine: ContainerRuntimeClient, image: ImageName, log: (line: string) => void): Promise<void> {
  try {
    if (await engine.image.exists(image)) return
    log(`pulling the image ${image.string} (once; it may take some minutes)`)
    await engine.image.pull(image)
  } catch (problem) {
    log(`${image.string} cannot be pulled: ${firstLineOf(problem)}`)
    throw new DockerUnusable('a Docker engine answers, but cannot pull images', { cause: problem })
  }
}

async function containerServer(
  context: StackContext,
  part: StackPart,
  engine: ContainerRuntimeClient,
  id: string,
  told: { address: string; at: string },
  ready: () => Promise<boolean>,
): Promise<StackServer> {
  writeStackFile(context.dataDir, context.file)
  const container = engine.container.getById(id)
  let wanted = false
  const gone = async () => {
    while (await isRunning(engine, id)) await sleep(50)
  }
  const waitReady = async () => {
    const until = performance.now() + readyTimeoutMs
    while (!(await ready().catch(() => false))) {
      context.signal.throwIfAborted()
      const running = await isRunning(engine, id)
      if (!running || performance.now() > until) {
        throw new LocalStackError(
          'start-failed',
          `${partName[part]} in Docker ${running ? 'does not serve' : 'ended while starting'}: see docker logs ${id.slice(0, 12)}`,
        )
      }
      await sleep(50)
    }
  }
  const report = (how: string) => {
    if (!wanted) context.onExit({ part, message: `${partName[part]} in Docker ${how}: see docker logs ${id.slice(0, 12)}`, detail: '' })
  }
  const supervise = () => {
    if (context.standing) return watchStanding(engine, id, report)
    void container.wait().then(
      ({ StatusCode }: { StatusCode: number }) => report(`ended with code ${StatusCode}`),
      () => undefined,
    )
  }
  try {
    await waitReady()
  } catch (problem) {
    await removeContainer(engine, id, 1, context.temporary)
    throw problem
  }
  supervise()
  return {
    part,
    source: 'docker',
    version: images[part].version,
    address: told.address,
    at: told.at,
    pid: undefined,
    async kill(signal) {
      const ends = signal === 'SIGKILL' || signal === 'SIGTERM'
      wanted ||= ends
      await container.kill({ signal })
      if (ends) await gone()
    },
    async restart() {
      wanted = true
      if (await isRunning(engine, id)) await container.stop({ t: stopGraceSeconds[part] })
      await container.start()
      await waitReady()
      wanted = false
      supervise()
    },
    async stop() {
      wanted = true
      await removeContainer(engine, id, stopGraceSeconds[part], context.temporary)
    },
  }
}

// Waiting for a container's end keeps this process alive, which a standing stack must not do to the one that started it.
function watchStanding(engine: ContainerRuntimeClient, id: string, report: (how: string) => void): void {
  const look = setInterval(async () => {
    if (await isRunning(engine, id)) return
    clearInterval(look)
    report('is gone')
  }, 2000)
  look.unref()
}

async function isRunning(engine: ContainerRuntimeClient, id: string): Promise<boolean> {
  try {
    return (await engine.container.getById(id).inspect()).State.Running
  } catch {
    return false
  }
}

async function removeContainer(engine: ContainerRuntimeClient, id: string, graceSeconds: number, withVolumes: boolean): Promise<void> {
  const container = engine.container.getById(id)
  // Already stopped or already gone is what is wanted.
  await container.stop({ t: graceSeconds }).catch(() => undefined)
  await container.remove({ force: true, v: withVolumes }).catch(() => undefined)
}

/** The volume that keeps a part's data of one data folder. */
export function volumeName(dataDir: string, part: StackPart): string {
  return `heed-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}-${part}`
}
