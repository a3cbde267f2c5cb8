import { once } from 'node:events'
import { pino } from 'pino'
import { readConfig, SandboxConfigError } from './config.ts'
import { connectionsOf } from './connections.ts'
import { type SandboxOptions, startSandbox } from './index.ts'

// Started with a channel to its parent, it takes its options from there, tells where the vendors are, and ends with the parent, however that ends.
// Started without one, everything comes from the environment.
try {
  await (process.send === undefined ? standAlone() : serve(process.send.bind(process)))
} catch (error) {
  const text = error instanceof SandboxConfigError ? error.message : describe(error)
  process.stderr.write(`sandbox: ${text}\n`)
  process.exitCode = 1
} finally {
  // an open channel would keep the process
  if (process.connected) process.disconnect()
}

async function standAlone(): Promise<void> {
  const { options, logLevel } = readConfig(process.env)
  const log = pino({ name: 'sandbox', level: logLevel })
  const sandbox = await startSandbox({ ...options, log })
  log.info({ signal: await signalled() }, 'sandbox.stopping')
  await sandbox.stop()
}

async function serve(tell: (message: unknown) => void): Promise<void> {
  const gone = once(process, 'disconnect')
  const [options] = (await once(process, 'message')) as [SandboxOptions]
  const sandbox = await startSandbox({ ...options, log: pino({ name: 'sandbox', level: 'warn' }) })
  tell({ url: sandbox.url, connections: connectionsOf(sandbox) })
  await Promise.race([gone, signalled()])
  await sandbox.stop()
}

function signalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, resolve)
  })
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  const code = 'code' in error ? String(error.code) : error.name
  return code === 'EADDRINUSE' ? 'a port is in use: set SANDBOX_PORT or SANDBOX_SFTP_PORT' : `failed to start (${code})`
}
