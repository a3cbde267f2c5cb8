// npm run protos: lints the protos, checks them against the released contract (protos/baseline.json), and generates the TypeScript types of libs/contracts.
// `--check` changes nothing and fails where the generated types are not current; `--accept` makes today's protos the released contract.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const out = join(root, 'libs/contracts/src/gen')
const bin = (name) => join(root, 'node_modules/.bin', name)
const run = (command, args) => execFileSync(command, args, { cwd: root, stdio: 'inherit' })
const sources = readdirSync(join(root, 'protos'), { recursive: true })
  .filter((file) => file.endsWith('.proto'))
  .sort()

run(bin('buf'), ['lint', 'protos'])
if (process.argv.includes('--accept')) run(bin('buf'), ['build', 'protos', '-o', 'protos/baseline.json', '--exclude-source-info'])
if (existsSync(join(root, 'protos/baseline.json'))) run(bin('buf'), ['breaking', 'protos', '--against', 'protos/baseline.json'])

const scratch = mkdtempSync(join(tmpdir(), 'heed-protos-'))
try {
  run(bin('proto-loader-gen-types'), [
    '--longs=Number',
    '--enums=String',
    '--defaults',
    '--oneofs',
    '--grpcLib=@grpc/grpc-js',
    '--importFileExtension=.ts',
    `--includeDirs=${join(root, 'protos')}`,
    `--outDir=${scratch}`,
    ...sources,
  ])
  // What the generator writes beside the messages (one file for each .proto) is the untyped client that grpc-js would make: not used here.
  for (const file of readdirSync(scratch).filter((name) => name.endsWith('.ts'))) rmSync(join(scratch, file))
  for (const file of readdirSync(scratch, { recursive: true }).filter((name) => name.endsWith('.ts'))) {
    // its first line names the file by the folder that this checkout happens to be in
    const text = readFileSync(join(scratch, file), 'utf8').replace(/^\/\/ Original file: .*\n+/, '')
    writeFileSync(join(scratch, file), text)
  }
  if (process.argv.includes('--check')) {
    const listed = (dir) =>
      readdirSync(dir, { recursive: true })
        .filter((file) => file.endsWith('.ts'))
        .sort()
    const stale =
      listed(scratch).join() !== listed(out).join() ||
      listed(scratch).some((file) => readFileSync(join(scratch, file), 'utf8') !== readFileSync(join(out, file), 'utf8'))
    if (stale) {
      process.stderr.write('libs/contracts/src/gen is not what protos/ say: run `npm run protos`\n')
      process.exitCode = 1
    }
  } else {
    rmSync(out, { recursive: true, force: true })
    cpSync(scratch, out, { recursive: true })
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
