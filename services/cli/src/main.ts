import { runHeed } from './program.ts'

process.exitCode = await runHeed(process.argv.slice(2), {
  env: process.env,
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
})
