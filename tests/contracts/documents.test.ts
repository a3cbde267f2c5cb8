import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { asyncApiDocument, packageDefinition } from '@heed/contracts'
import { expect, it } from 'vitest'

const root = new URL('../../', import.meta.url).pathname

it('the AsyncAPI document is what the schemas say', () => {
  expect(JSON.parse(readFileSync(`${root}protos/asyncapi.json`, 'utf8'))).toEqual(asyncApiDocument())
})

it('protos pass the linter, break no released contract, and their types are current', () => {
  execFileSync(process.execPath, ['deploy/protos.mjs', '--check'], { cwd: root, stdio: 'pipe' })
}, 60_000)

it('every service of the protos loads', () => {
  expect(Object.keys(packageDefinition()).filter((name) => name.endsWith('Service'))).toEqual(
    expect.arrayContaining([
      'heed.preferences.v1.PreferenceService',
      'heed.identifiers.v1.IdentifierService',
      'heed.propagation.v1.PropagationService',
      'heed.audit.v1.AuditService',
    ]),
  )
})
