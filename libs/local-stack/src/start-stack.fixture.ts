// A program that starts a stack and holds it, for tests that kill it. Its one argument is the options as JSON; it prints one JSON line per
// event: `log`, `started` (with the servers' process ids), `failed`. It stops the stack when its standard input ends.
import { type LocalStackOptions, startLocalStack } from './local-stack.ts'

const say = (event: object) => process.stdout.write(`${JSON.stringify(event)}\n`)

try {
  const options = JSON.parse(process.argv[2] ?? '{}') as LocalStackOptions
  const stack = await startLocalStack({ ...options, log: (log) => say({ log }) })
  const parts = options.parts ?? ['kafka', 'mongodb']
  say({
    started: true,
    ...(parts.includes('kafka') ? { kafka: stack.kafka } : {}),
    ...(parts.includes('mongodb') ? { mongodb: stack.mongodb } : {}),
  })
  process.stdin.resume().once('end', () => void stack.stop())
} catch (problem) {
  say({ failed: problem instanceof Error ? problem.message : String(problem) })
  process.exitCode = 1
}
