import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadSync, type PackageDefinition } from '@grpc/proto-loader'
import type { AuditServiceDefinition } from './gen/heed/audit/v1/AuditService.ts'
import type { IdentifierServiceDefinition } from './gen/heed/identifiers/v1/IdentifierService.ts'
import type { PreferenceServiceDefinition } from './gen/heed/preferences/v1/PreferenceService.ts'
import type { PropagationServiceDefinition } from './gen/heed/propagation/v1/PropagationService.ts'

/** Every RPC service of Heed by its full name, with the generated types of its methods. */
export interface Services {
  'heed.preferences.v1.PreferenceService': PreferenceServiceDefinition
  'heed.identifiers.v1.IdentifierService': IdentifierServiceDefinition
  'heed.propagation.v1.PropagationService': PropagationServiceDefinition
  'heed.audit.v1.AuditService': AuditServiceDefinition
}

const files = [
  'heed/preferences/v1/preferences.proto',
  'heed/identifiers/v1/identifiers.proto',
  'heed/propagation/v1/propagation.proto',
  'heed/audit/v1/audit.proto',
]

let loaded: PackageDefinition | undefined

/** The folder `protos/`: `HEED_PROTOS_DIR`, or the nearest one above this file (a checkout, or an image that holds both). Throws where there is none. */
export function protosDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env.HEED_PROTOS_DIR !== undefined) return env.HEED_PROTOS_DIR
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'protos/heed'))) return join(dir, 'protos')
    if (dirname(dir) === dir) throw new Error('no folder protos/ above this file: set HEED_PROTOS_DIR')
  }
}

/** All of protos/, loaded once: what the reflection service shows. 64-bit numbers are JavaScript numbers (every one stays below 2^53), enums are their names, absent messages are null. */
export function packageDefinition(): PackageDefinition {
  loaded ??= loadSync(files, { includeDirs: [protosDir()], longs: Number, enums: String, defaults: true, oneofs: true })
  return loaded
}

/** The definition of one service, for a server or a client of grpc-js. */
export function loadService<Name extends keyof Services>(name: Name): Services[Name] {
  return packageDefinition()[name] as unknown as Services[Name]
}
