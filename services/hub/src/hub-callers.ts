import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CallerAdministration, hashKey, keyMatches } from '@heed/platform/grpc'
import { z } from 'zod'

/** The callers that a hub in one process needs, and what each may do. The demo callers are for whoever tries the hub. */
const wanted = {
  /** Everything: for `heed` on this machine. */
  operator: ['*'],
  /** What an internal service of the company would have. */
  demo: [
    'preferences:write',
    'preferences:read',
    'permission:check',
    'identifiers:link',
    'links:create',
    'policy:read',
    'audit:read',
    'changes:watch',
  ],
  edge: ['links:use', 'policy:read'],
  preferences: ['audit:read'],
  propagation: ['snapshots:scan', 'policy:read'],
  connectors: ['identifiers:resolve:*'],
} as const

/** The name of a caller of the hub. */
export type HubCaller = keyof typeof wanted

const names = Object.keys(wanted) as HubCaller[]
const fileShape = z.record(z.string(), z.string())

/**
 * The keys of the hub's callers. They are kept in `<data>/callers.json` (0600), since the database holds only their hashes; a key that the database does not know
 * any more (another database, a revoked caller of before) is made anew.
 */
export async function hubCallers(callers: CallerAdministration, dataDir: string): Promise<Record<HubCaller, string>> {
  const file = join(dataDir, 'callers.json')
  const kept = await readFile(file, 'utf8').then(
    (text) => fileShape.safeParse(JSON.parse(text)).data ?? {},
    () => ({}) as Record<string, string>,
  )
  const keys = {} as Record<HubCaller, string>
  for (const name of names) keys[name] = await keyOf(callers, name, kept[name])
  const temporary = `${file}.new`
  await writeFile(temporary, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flush: true })
  await rename(temporary, file)
  return keys
}

async function keyOf(callers: CallerAdministration, name: HubCaller, kept: string | undefined): Promise<string> {
  const stored = await callers.find(name)
  if (stored === undefined)
    return (await callers.addCaller({ id: name, scopes: wanted[name], ratePerSecond: 1_000_000, burst: 1_000_000 })).key
  if (kept !== undefined && stored.keys.some(({ hash }) => keyMatches(hashKey(kept), hash))) return kept
  return (await callers.rotateCaller(name, 0)).key
}
