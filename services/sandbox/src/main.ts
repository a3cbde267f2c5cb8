import { pino } from 'pino'
import { readConfig, SandboxConfigError } from './config.ts'
import { startSandbox } from './index.ts'

try {
  const { options, logLevel } = readConfig(process.env)
  const log = pino({ name: 'sandbox', level: logLevel })
  const sandbox = await startSandbox({ ...options, log })
  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, resolve)
  })
  log.info({ signal }, 'sandbox.stopping')
  await sandbox.stop()
} catch (error) {
  const text = error instanceof SandboxConfigError ? error.message : describe(error)
  process.stderr.write(`sandbox: ${text}\n`)
  process.exitCode = 1
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  const code = 'code' in error ? String(error.code) : error.name
  return code === 'EADDRINUSE' ? 'a port is in use: set SANDBOX_PORT or SANDBOX_SFTP_PORT' : `failed to start (${code})`
}
