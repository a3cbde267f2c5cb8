// npm run asyncapi: writes protos/asyncapi.json from the event schemas; `--check` changes nothing and fails where the file is not current.
import { readFile, writeFile } from 'node:fs/promises'
import { asyncApiDocument } from '@heed/contracts'

const file = new URL('../protos/asyncapi.json', import.meta.url)
const text = `${JSON.stringify(asyncApiDocument(), null, 2)}\n`

if (!process.argv.includes('--check')) {
  await writeFile(file, text)
} else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
  process.stderr.write('protos/asyncapi.json is not what the schemas say: run `npm run asyncapi`\n')
  process.exitCode = 1
}
