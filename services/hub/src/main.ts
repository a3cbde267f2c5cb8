import { createWriteStream, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { shownKeys } from '@heed/audit'
import { PolicyFileError } from '@heed/contracts'
import { LocalStackError, startLocalStack } from '@heed/local-stack'
import { readConfig } from '@heed/platform/config'
import { HeedError } from '@heed/platform/errors'
import { shutdownSignal } from '@heed/platform/lifecycle'
import { createLogger } from '@heed/platform/log'
import colors from 'picocolors'
import { hubShape } from './config.ts'
import { demonstrate, showTrail } from './demonstration.ts'
import { registerCallbacks } from './feed-partners.ts'
import { startHub } from './hub.ts'
import { removeHubFile, writeHubFile } from './hub-file.ts'
import { choosePort } from './ports.ts'
import { screenOn } from './screen.ts'
import { sandboxOptions, vendorEnvironment } from './vendors.ts'
import { startVendorsApart } from './vendors-apart.ts'

const screen = screenOn(process.stdout)
const stopping = shutdownSignal()
const undo: (() => Promise<void> | void)[] = []

try {
  process.exitCode = await main()
} catch (thrown) {
  if (!stopping.aborted) {
    screen.problem(explain(thrown))
    process.exitCode = 1
  }
} finally {
  for (const step of undo.toReversed()) await step()
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { once: { type: 'boolean', default: false }, 'no-demonstration': { type: 'boolean', default: false } },
  })
  const config = readConfig(process.env, hubShape)
  const dataDir = resolve(config.HEED_DATA_DIR)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const startedAt = performance.now()
  const log = createLogger('hub', {
    level: config.LOG_LEVEL,
    destination: createWriteStream(join(dataDir, 'hub.log'), { flags: 'a', mode: 0o600 }),
  })

  screen.title('Heed starts')
  const sandboxPort = await choosePort(config.HEED_SANDBOX_PORT)
  // beside the servers: each of them takes its second
  const vendors = startVendorsApart(sandboxOptions({ port: sandboxPort.port, dataDir }))
  vendors.catch(() => undefined)
  const stack = await startLocalStack({ dataDir, log: (line) => screen.line(`  ${line}`), signal: stopping })
  undo.push(() => stack.stop())
  screen.step(stack.choice)

  const wanted = {
    preferences: config.HEED_PREFERENCES_PORT,
    propagation: config.HEED_PROPAGATION_PORT,
    audit: config.HEED_AUDIT_PORT,
    trail: config.HEED_TRAIL_PORT,
    edge: config.HEED_EDGE_PORT,
    operations: config.HEED_OPERATIONS_PORT,
  }
  const ports = { ...wanted }
  for (const name of Object.keys(wanted) as (keyof typeof wanted)[]) {
    const { port } = await choosePort(wanted[name])
    if (port !== wanted[name]) screen.line(`  port ${wanted[name]} is busy: ${name} takes ${port}`)
    ports[name] = port
  }
  if (sandboxPort.port !== sandboxPort.wanted) screen.line(`  port ${sandboxPort.wanted} is busy: the sandbox takes ${sandboxPort.port}`)

  const sandbox = await vendors
  undo.push(() => sandbox.stop())
  screen.step(`the vendors are played at ${sandbox.url}`)

  const policyFile = config.HEED_POLICY_FILE ?? fileURLToPath(new URL('../../../deploy/policy/qualified3d.yaml', import.meta.url))
  const hub = await startHub({
    dataDir,
    brokers: stack.kafka.brokers,
    mongoUri: stack.mongodb.uri,
    dbPrefix: config.HEED_DB_PREFIX,
    topicPrefix: config.HEED_TOPIC_PREFIX,
    policyFile,
    ports,
    config,
    env: { ...process.env, ...vendorEnvironment(sandbox.connections, dataDir) },
    log,
    started: (name) => screen.step(name),
  })
  undo.push(() => hub.stop())
  await registerCallbacks(sandbox.url, hub.addresses.edge)
  const died = new Promise<never>((_, reject) => {
    stack.onExit((exit) => reject(new HeedError('hub.server-ended', exit.message)))
  })
  died.catch(() => undefined)

  const grpc = { preferences: hub.addresses.preferences, propagation: hub.addresses.propagation, audit: hub.addresses.audit }
  await writeHubFile(dataDir, {
    pid: process.pid,
    grpc,
    http: { edge: hub.addresses.edge, sandbox: sandbox.url, operations: hub.addresses.operations, trail: hub.addresses.trail },
    kafkaBrokers: stack.kafka.brokers,
    mongoUri: stack.mongodb.uri,
    dbPrefix: config.HEED_DB_PREFIX,
    topicPrefix: config.HEED_TOPIC_PREFIX,
    callers: hub.keys,
  })
  undo.push(() => removeHubFile(dataDir))

  const failed = Promise.race([hub.failed, sandbox.failed, died])
  let linkToClick: string | undefined
  if (!values['no-demonstration']) {
    const demonstrated = await Promise.race([demonstrate(hub, sandbox.url, screen), failed, aborted(stopping)])
    linkToClick = demonstrated.linkToClick
    screen.title('What the trail holds about Ada')
    await showTrail(hub, demonstrated.subjectId, screen)
    for (const recipient of demonstrated.missed) screen.problem(`${recipient} was not reached`)
    screen.line()
    screen.step(`from start to here in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
    if (values.once) return demonstrated.missed.length === 0 ? 0 : 1
  }

  screen.title('Heed is running')
  const shown: readonly (readonly [string, string])[] = [
    ['unsubscribe link of Cy, to click', linkToClick ?? 'made by the demonstration'],
    ['what the vendors believe', sandbox.url],
    ['gRPC preferences', grpc.preferences],
    ['gRPC propagation', grpc.propagation],
    ['gRPC audit', grpc.audit],
    ['log of the trail', `${hub.addresses.trail}/checkpoint`],
    ...(hub.trail === undefined ? [] : shownKeys(hub.trail)).flatMap(({ vkey, fingerprint }) => [
      ['  its public key', vkey] as const,
      ['  and fingerprint', fingerprint] as const,
    ]),
    ['  as files', hub.trail?.folder ?? 'nowhere'],
    ['health and metrics', `${hub.addresses.operations}/metrics`],
    ['log', join(dataDir, 'hub.log')],
  ]
  for (const [name, value] of shown) {
    screen.line(`  ${name.padEnd(34)} ${colors.cyan(value)}`)
  }
  screen.line(`
  grpcurl -plaintext -H 'authorization: Bearer ${hub.keys.demo}' \\
    -d '{"request_id":"try-1","subject":{"identifier":{"kind":"IDENTIFIER_KIND_EMAIL","value":"dee@example.org"}},"choices":[{"purpose":"email-marketing","choice":"CHOICE_DENIED"}],"origin":"ORIGIN_KIND_PERSON"}' \\
    ${grpc.preferences} heed.preferences.v1.PreferenceService/SetPreferences

  npx heed opt-out dee@example.org --watch     npx heed recipients     npx heed open
  Ctrl-C stops it; the data stay in ${dataDir}`)
  await Promise.race([aborted(stopping).catch(() => undefined), failed])
  screen.title('Heed stops')
  return 0
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(new Error('asked to stop'))
    else signal.addEventListener('abort', () => reject(new Error('asked to stop')), { once: true })
  })
}

function explain(thrown: unknown): string {
  if (thrown instanceof HeedError || thrown instanceof LocalStackError || thrown instanceof PolicyFileError) return thrown.message
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
}
