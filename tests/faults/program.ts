import { mkdir, rename, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { build } from 'esbuild'
import { serviceBundle } from '../../deploy/bundle.mjs'

const root = new URL('../../', import.meta.url).pathname
const bundled = new Map<string, Promise<string>>()

/**
 * The path of a bundle of this program of the repository (its path from the root), made as a service is built: it starts in half of the time that the
 * sources take, and fault tests start dozens. Made once for each worker.
 */
export function programOf(entry: string): Promise<string> {
  const known = bundled.get(entry)
  if (known !== undefined) return known
  const made = bundle(entry)
  bundled.set(entry, made)
  return made
}

async function bundle(entry: string): Promise<string> {
  const {
    outputFiles: [output],
  } = await build({ ...serviceBundle, entryPoints: [join(root, entry)], write: false })
  if (output === undefined) throw new Error(`${entry} has no bundle`)
  // below the root, where it finds third-party packages and the protos
  const file = join(root, 'node_modules/.cache/heed-faults', `${basename(dirname(entry))}-${basename(entry, '.ts')}.mjs`)
  await mkdir(dirname(file), { recursive: true })
  // several workers may do the same: each puts the whole of it in its place
  const own = `${file}.${process.pid}.${crypto.randomUUID()}`
  await writeFile(own, output.contents)
  await rename(own, file)
  return file
}
