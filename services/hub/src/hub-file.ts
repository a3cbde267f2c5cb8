import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HubFile } from '@heed/cli'

/** Writes `<data>/hub.json` (0600): every address and the keys of the demo callers, for tools and tests. Whole or not at all. */
export async function writeHubFile(dataDir: string, file: HubFile): Promise<void> {
  const path = join(dataDir, 'hub.json')
  await writeFile(`${path}.new`, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** Takes it away: nothing runs here any more. */
export async function removeHubFile(dataDir: string): Promise<void> {
  await rm(join(dataDir, 'hub.json'), { force: true })
}
